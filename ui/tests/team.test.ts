import { screen, waitFor, within } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import type { Session } from '../src/lib/bridge';
import { open } from './open';

const session = (role: string, kind = 'remote'): Session => ({
  state: 'ready',
  clinic: { id: 'c', name: 'Clínica Acácia', time_zone: 'America/Sao_Paulo', kind },
  member: { id: 'me', name: 'Júlia Andrade', role },
});

function type(field: HTMLInputElement | HTMLTextAreaElement, value: string): void {
  field.value = value;
  field.dispatchEvent(new Event('input', { bubbles: true }));
}

test('the owner sees who works where, when each computer was last here, and which one this is', async () => {
  open({ session: session('owner') }, '#/settings');
  const members = await screen.findAllByTestId('member');
  expect(members).toHaveLength(3);
  expect(members[0]!.textContent).toContain('você');
  const computers = within(members[0]!).getAllByTestId('computer');
  expect(computers[0]!.textContent).toContain('este computador');
  expect(computers[1]!.textContent).toContain('há 3 dias');
  expect(
    within(computers[0]!).queryByTestId('revoke-computer'),
    'nobody sends away the computer they sit at',
  ).toBeNull();
  expect(within(members[0]!).queryByTestId('revoke-member')).toBeNull();
  expect(members[2]!.textContent).toContain('Nenhum computador com acesso');
});

test.each([
  ['attendant', 'remote'],
  ['professional', 'remote'],
  ['viewer', 'remote'],
  ['owner', 'sample'],
])('a member with the role %s in a %s clinic is not offered what would be refused', async (role, kind) => {
  const clinic = open({ session: session(role, kind) }, '#/settings');
  expect(await screen.findByTestId('version')).toBeVisible();
  expect(screen.queryByTestId('invite')).toBeNull();
  expect(clinic.asked.some(({ cmd }) => cmd === 'get_team')).toBe(false);
});

test('an invitation is made for a person and shown once, with text and code apart', async () => {
  const clinic = open({ session: session('owner') }, '#/settings');
  const inviteButton = await screen.findByTestId('invite');
  await waitFor(() => expect(inviteButton).toBeEnabled());
  inviteButton.click();
  const form = await screen.findByTestId('invite-form');
  const make = screen.getByTestId('invite-make');
  expect(make).toBeDisabled();
  type(form.querySelector<HTMLInputElement>('[name=name]')!, 'Ana Souza');
  await waitFor(() => expect(make).toBeEnabled());
  make.click();
  expect(await screen.findByTestId('invitation-code')).toHaveTextContent('K7QW2-9XT4M');
  expect(screen.getByTestId('invitation-qr')).toBeVisible();
  const made = screen.getByTestId('invitation-made');
  expect(made.textContent).toContain('Vale uma vez só, até');
  expect(made.textContent, 'the text is not on the screen beside its code').not.toContain('balcao1:');
  expect(clinic.asked.find(({ cmd }) => cmd === 'invite_member')?.payload).toMatchObject({
    member_id: null,
    name: 'Ana Souza',
    role: 'attendant',
    email: null,
  });
  screen.getByTestId('invitation-done').click();
  await waitFor(() => expect(screen.queryByTestId('invitation-code')).toBeNull());
  await waitFor(() => expect(screen.getByTestId('invitations').textContent).toContain('Ana Souza'));
});

test('what taking access away does is said before it is done', async () => {
  const clinic = open({ session: session('owner') }, '#/settings');
  (await screen.findAllByTestId('revoke-computer'))[0]!.click();
  const dialog = await screen.findByTestId('revoke-computer-dialog');
  expect(dialog.textContent).toContain('A cópia que está nele é apagada');
  expect(clinic.asked.some(({ cmd }) => cmd === 'revoke_computer')).toBe(false);
  clinic.refusals = { revoke_computer: 'connection_lost' };
  screen.getByTestId('revoke-computer-yes').click();
  expect(await within(dialog).findByRole('alert')).toBeVisible();
  clinic.refusals = {};
  screen.getByTestId('revoke-computer-yes').click();
  await waitFor(() => expect(screen.queryByText('Notebook da Júlia')).toBeNull());
});

test('a role that is refused goes back to what it is', async () => {
  const clinic = open({ session: session('owner') }, '#/settings');
  const select = (await screen.findAllByTestId<HTMLSelectElement>('role'))[0]!;
  clinic.refusals = { change_role: 'team_last_owner' };
  select.value = 'admin';
  select.dispatchEvent(new Event('change', { bubbles: true }));
  expect(await screen.findByText(/pelo menos um dono/)).toBeVisible();
  expect(select.value).toBe('attendant');
});

test('a clinic that nobody else reaches says so, and offers to be shared before anybody is invited', async () => {
  const clinic = open({ session: session('owner', 'local') }, '#/inbox');
  clinic.people.team.can_invite = false;
  location.hash = '#/settings';
  expect(await screen.findByTestId('sharing-off')).toBeVisible();
  expect(screen.queryByTestId('invite')).toBeNull();
  expect(screen.queryByTestId('add-computer')).toBeNull();
  clinic.network.sharing.addresses = [];
  screen.getByTestId('share').click();
  expect(await screen.findByText(/não está em nenhuma rede/)).toBeVisible();
  clinic.network.sharing.addresses = ['192.168.0.10'];
  clinic.people.team.can_invite = true;
  screen.getByTestId('share').click();
  expect(await screen.findByTestId('invite')).toBeEnabled();
  expect(clinic.network.sharing.state).toBe('on');
});

test('who was invited comes in with the text, the code and a name for the computer', async () => {
  const clinic = open({ session: { state: 'first_run' } });
  (await screen.findByTestId('start-join')).click();
  const form = await screen.findByTestId('join-form');
  const name = form.querySelector<HTMLInputElement>('[name=computer]')!;
  await waitFor(() => expect(name.value).toBe('RECEPCAO-02'));
  const enter = screen.getByRole('button', { name: 'Entrar na clínica' });
  expect(enter).toBeDisabled();

  const transfer = new DataTransfer();
  transfer.items.add(new File(['balcao1:abc\n'], 'convite.balcao-invite'));
  const chooser = screen.getByTestId<HTMLInputElement>('invitation-file');
  chooser.files = transfer.files;
  chooser.dispatchEvent(new Event('change', { bubbles: true }));
  const text = form.querySelector<HTMLTextAreaElement>('[name=invitation]')!;
  await waitFor(() => expect(text.value).toBe('balcao1:abc'));
  type(form.querySelector<HTMLInputElement>('[name=code]')!, 'k7qw2-9xt4m');
  await waitFor(() => expect(enter).toBeEnabled());

  for (const [code, words] of [
    ['code_mistyped', 'Falta ou sobra algo'],
    ['wrong_code', 'não abre este convite'],
    ['invitation_expired', 'prazo deste convite acabou'],
    ['invitation_used', 'já foi usado'],
    ['unreachable', 'não responde'],
    ['clock_behind', 'relógio deste computador está atrasado'],
  ] as const) {
    clinic.refusals = { join_clinic: code };
    enter.click();
    await waitFor(() => expect(form.querySelector('[role=alert]')?.textContent, code).toContain(words));
    expect(text.value, 'what was typed stays').toBe('balcao1:abc');
  }
  clinic.refusals = {};
  enter.click();
  expect(await screen.findByTestId('preparing')).toBeVisible();
  expect(clinic.asked.filter(({ cmd }) => cmd === 'join_clinic').at(-1)?.payload).toEqual({
    invitation: 'balcao1:abc',
    code: 'k7qw2-9xt4m',
    computer_name: 'RECEPCAO-02',
  });
});
