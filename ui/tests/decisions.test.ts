import { fireEvent, screen, waitFor, within } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import type { OperationRow } from '../src/lib/bridge';
import { zone } from '../src/lib/i18n/zone.svelte';
import { decide } from '../src/lib/shell/decisions.svelte';
import { open } from './open';
import { parked } from './fake/parked';

async function openPanel(operations: OperationRow[]) {
  zone.current = 'America/Sao_Paulo';
  const clinic = open({ parked: operations });
  const line = await screen.findByTestId('status-line');
  await waitFor(() => expect(line).toHaveAttribute('data-needs-you', String(operations.length)));
  screen.getByTestId('open-needs-you').click();
  await screen.findAllByTestId('operation');
  return clinic;
}

const heads = () =>
  screen.getAllByTestId('operation').map((each) => each.querySelector<HTMLElement>('.head')!);
const shown = () => screen.getAllByTestId('operation').find((each) => each.classList.contains('open'))!;
const press = (key: string, more: Partial<KeyboardEventInit> = {}) =>
  fireEvent.keyDown(document.activeElement!, { key, ...more });

test('the same field stands side by side, and mine or theirs is one click', async () => {
  const clinic = await openPanel([parked.conflict()]);
  const [mine, theirs] = within(shown()).getAllByRole('cell').slice(-2);
  expect(mine?.textContent).toBe('24/11 (ter) 14:30');
  expect(theirs?.textContent).toBe('24/11 (ter) 15:00');
  screen.getByTestId('choice-keep-theirs').click();
  await waitFor(() => expect(clinic.parked).toHaveLength(0));
  expect(clinic.operations, 'it is not sent').toHaveLength(0);
});

test('keeping mine sends it again', async () => {
  const clinic = await openPanel([parked.conflict()]);
  screen.getByTestId('choice-keep-mine').click();
  await waitFor(() => expect(clinic.operations.map((each) => each.operation_id)).toEqual(['op-conflict']));
});

test('a slot that was taken offers the next free times, each one click away', async () => {
  const clinic = await openPanel([parked.slot()]);
  expect(shown().textContent).toContain('Outra consulta ficou com 24/11 (ter) 14:30');
  const slots = await screen.findAllByTestId('free-slot');
  expect(slots.map((slot) => slot.textContent?.trim())).toEqual([
    '1 24/11 (ter) 15:00',
    '2 24/11 (ter) 15:45',
    '3 25/11 (qua) 14:30',
  ]);
  slots[1]!.click();
  await waitFor(() => expect(clinic.operations).toHaveLength(1));
});

test('a visit that was booked where another stands now says so, and what giving it up means', async () => {
  await openPanel([parked.booking()]);
  expect(shown().textContent).toContain('Nova consulta');
  expect(shown().textContent).toContain('24/11 (ter) 14:30 com Dra. Helena Lima');
  expect(shown().textContent).toContain('Maria Souza fica sem a consulta de 24/11 (ter) 14:30');
  expect(await screen.findAllByTestId('free-slot')).toHaveLength(3);
});

test('squeezing in needs its reason first', async () => {
  const clinic = await openPanel([parked.slot()]);
  screen.getByTestId('choice-squeeze').click();
  const reason = await screen.findByTestId('squeeze-reason');
  expect(screen.getByRole('button', { name: 'Encaixar' })).toBeDisabled();
  await fireEvent.input(reason, { target: { value: 'dor aguda' } });
  screen.getByRole('button', { name: 'Encaixar' }).click();
  await waitFor(() => expect(clinic.parked).toHaveLength(0));
});

test('giving up says before and afterwards what is lost, and can be undone', async () => {
  const clinic = await openPanel([parked.message('Bom dia! Já vejo para você.')]);
  expect(shown().textContent).toContain('a mensagem para Maria Souza não é enviada e este texto se perde');
  screen.getByTestId('choice-discard').click();
  const given = await screen.findByTestId('given-up');
  expect(given.textContent).toContain('Mensagem para Maria Souza descartada: “Bom dia! Já vejo para você.”');
  expect(clinic.parked).toHaveLength(0);
  screen.getByTestId('take-back').click();
  await waitFor(() => expect(clinic.parked).toHaveLength(1));
  expect(await screen.findByTestId('operation')).toBeVisible();
});

test('giving up a move says where the visit and the lead stay', async () => {
  await openPanel([parked.slot(), parked.lead()]);
  expect(shown().textContent).toContain('a consulta de Maria Souza fica em 24/11 (ter) 10:00');
  heads()[1]!.click();
  await waitFor(() => expect(shown().textContent).toContain('o lead de Otília Prado fica em “novo”'));
});

test('everything is decided without a mouse, and the focus goes on to the next one', async () => {
  const clinic = await openPanel([parked.conflict(), parked.slot(), parked.message('oi')]);
  heads()[0]!.focus();
  await press('ArrowDown');
  await waitFor(() => expect(document.activeElement).toBe(heads()[1]));
  await screen.findAllByTestId('free-slot');
  await press('Enter');
  expect(document.activeElement).toBe(screen.getAllByTestId('free-slot')[0]);
  await press('Escape');
  expect(document.activeElement, 'one step back, the panel stays').toBe(heads()[1]);
  await press('2');
  await waitFor(() => expect(clinic.operations.map((each) => each.operation_id)).toEqual(['op-slot']));
  await waitFor(() => expect(heads()).toHaveLength(2));
  await waitFor(() => expect(document.activeElement?.textContent).toContain('Mensagem · Maria Souza'));
  await press('d');
  await waitFor(() => expect(clinic.parked.map((each) => each.operation_id)).toEqual(['op-conflict']));
  await waitFor(() => expect(document.activeElement?.textContent).toContain('Mudança de horário'));
  await press('m');
  await waitFor(() => expect(clinic.parked).toHaveLength(0));
  expect(await screen.findByText('Nada para decidir.')).toBeVisible();
  expect(document.activeElement).toBe(screen.getByTestId('decisions'));
  await press('z', { ctrlKey: true });
  expect(clinic.parked, 'what was sent is not taken back').toHaveLength(0);
});

test('a screen reader hears what was decided and how much is left', async () => {
  await openPanel([parked.conflict(), parked.message('oi')]);
  screen.getByTestId('choice-keep-mine').click();
  await waitFor(() =>
    expect(within(screen.getByTestId('decisions')).getByRole('status').textContent).toBe(
      'Maria Souza: segue para o banco da clínica. Falta 1 decisão.',
    ),
  );
});

test('two hundred stay usable: a page of them, by kind, and all again at once', async () => {
  const many = Array.from({ length: 200 }, (_, at) => ({
    ...parked.message(`texto ${at}`),
    operation_id: `m-${at}`,
    entity_id: `m-${at}`,
  }));
  const clinic = await openPanel([...many, parked.conflict()]);
  expect(screen.getAllByTestId('operation')).toHaveLength(100);
  expect(screen.getAllByTestId('choice-discard'), 'only the one that is looked at has choices').toHaveLength(
    1,
  );
  screen.getByRole('button', { name: 'Mostrar mais' }).click();
  await waitFor(() => expect(screen.getAllByTestId('operation')).toHaveLength(200));

  const [messages, visits] = screen.getAllByTestId('filter-kind');
  expect(messages!.textContent).toContain('200');
  visits!.click();
  await waitFor(() => expect(screen.getAllByTestId('operation')).toHaveLength(1));
  screen.getByRole('button', { name: 'Tudo' }).click();
  await waitFor(() => expect(screen.getAllByTestId('operation').length).toBeGreaterThan(50));
  screen.getByTestId('retry-all').click();
  await waitFor(() => expect(clinic.parked.map((each) => each.operation_id)).toEqual(['op-conflict']));
});

test('a row that was refused opens the panel at its operation', async () => {
  const clinic = await openPanel([parked.conflict(), { ...parked.lead(), entity_id: 'lead-5' }]);
  await press('Escape');
  await waitFor(() => expect(screen.queryByTestId('needs-you-panel')).toBeNull());
  decide('lead-5');
  await waitFor(() => expect(heads()[0]!.textContent).toContain('Otília Prado'));
  expect(shown().dataset.operationId).toBe('op-lead');
  expect(clinic.parked).toHaveLength(2);
});

test.each([
  ['gone', 'send_message', 'A conversa foi removida'],
  ['gone', 'move_appointment', 'A consulta foi removida'],
  ['gone', 'add_note', 'Copie a nota'],
  ['not_permitted', 'move_lead', 'O seu acesso não permite'],
  ['duplicate', 'move_lead', 'já tem outro lead aberto'],
  ['missing_reference', 'move_appointment', 'um profissional, uma sala'],
  ['invalid', 'move_appointment', 'não aceita estes valores'],
  ['expired', 'send_message', 'O prazo passou'],
  ['constraint', 'move_lead', 'Uma regra da clínica'],
])('%s of %s is said in words', async (reason, kind, words) => {
  await openPanel([{ ...parked.message('oi'), kind, reason, choices: ['discard'] }]);
  expect(shown().textContent).toContain(words);
});

test('a note is added with Enter, is marked while it waits, and stays in the field when it is refused', async () => {
  const clinic = open({}, '#/inbox/all/conv-3');
  const field = await screen.findByTestId<HTMLInputElement>('note-text');
  await fireEvent.input(field, { target: { value: 'prefere de manhã' } });
  await fireEvent.submit(field.form!);
  const queued = await screen.findByText(/Júlia Andrade: prefere de manhã/);
  expect(queued.closest('[data-state]')).toHaveAttribute('data-state', 'pending');
  expect(field.value).toBe('');
  await waitFor(() => expect(document.querySelector('[data-testid=notes] [data-state]')).toBeNull());
  expect(screen.getByTestId('notes').textContent).toContain('prefere de manhã');

  clinic.refusals = { add_note: 'disk_full' };
  await fireEvent.input(field, { target: { value: 'não se perde' } });
  await fireEvent.submit(field.form!);
  await screen.findByText(/O disco deste computador está cheio/);
  expect(field.value).toBe('não se perde');
});
