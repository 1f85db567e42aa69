import { fireEvent, screen, waitFor, within } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import { dayOf } from '../src/lib/i18n/zone.svelte';
import type { FakeClinic } from './fake/clinic';
import { open } from './open';

const press = (key: string, target: Element = document.activeElement ?? document.body) =>
  fireEvent.keyDown(target, { key });
const composer = () => screen.getByTestId<HTMLTextAreaElement>('composer');
const times = () => screen.findAllByTestId('free-time');
const chosen = () =>
  document.querySelector<HTMLElement>('[data-testid=free-time]:has(:checked)')?.dataset.startsAt;
const lastAsked = (clinic: FakeClinic, command: string) =>
  clinic.asked.findLast(({ cmd }) => cmd === command)?.payload;

/** Opens a thread and its panel with the key. */
async function openBooking(clinic: FakeClinic, at: number) {
  await screen.findByTestId('act-book');
  const row = clinic.conversations[at]!;
  await waitFor(() => expect(screen.getByRole('heading', { level: 2, name: row.name })).toBeVisible());
  await press('b', document.body);
  await screen.findByTestId('booking');
  return times();
}

test('b offers three times and Enter books the first, with the confirmation in the composer', async () => {
  const clinic = open({}, '#/inbox/all/conv-0');
  const [first] = await openBooking(clinic, 0);
  await waitFor(() => expect(document.activeElement).toBe(first!.querySelector('input')));
  expect(chosen()).toBe(first!.dataset.startsAt);
  await press('Enter');
  await waitFor(() => expect(screen.queryByTestId('booking')).toBeNull());
  await waitFor(() =>
    expect(composer().value).toMatch(/^Maria, ficou marcado para Theo: .* às \d\d:\d\d, com /),
  );
  await waitFor(() => expect(document.activeElement).toBe(composer()));
  const visit = clinic.visits.at(-1)!;
  expect(visit).toMatchObject({
    patient: 'Theo',
    contact_id: 'contact-0',
    starts_at: first!.dataset.startsAt,
  });
  const shown = await waitFor(() => {
    const row = document.querySelector<HTMLElement>(`[data-visit-id=${visit.id}]`);
    expect(row).not.toBeNull();
    return row!;
  });
  expect(within(shown).getByText('Marcada')).toBeVisible();
  await waitFor(() => expect(shown.dataset.state).toBe('confirmed'));
  expect(
    clinic.messages.get('conv-0')!.some(({ body }) => body.includes('ficou marcado')),
    'nothing goes',
  ).toBe(false);
});

test('what was booked is taken back with one word, and its text with it', async () => {
  const clinic = open({}, '#/inbox/all/conv-0');
  await openBooking(clinic, 0);
  await press('Enter');
  await waitFor(() => expect(composer().value).toContain('ficou marcado'));
  (await screen.findAllByTestId('toast-act')).at(-1)!.click();
  await waitFor(() => expect(clinic.visits.at(-1)!.status).toBe('cancelled'));
  await waitFor(() => expect(composer().value).toBe(''));
  expect(await screen.findByText('A consulta de Theo foi desmarcada.')).toBeVisible();
});

test('1, 2 and 3 choose, m brings the next three, and Escape gives the focus back', async () => {
  const clinic = open({}, '#/inbox/all/conv-0');
  await screen.findByTestId('act-book');
  const row = await waitFor(() => {
    const found = document.querySelector<HTMLElement>(
      '[data-testid=conversation-row][data-conversation-id=conv-0]',
    );
    // A row of the list can take the focus once it has been measured.
    found?.focus();
    expect(document.activeElement).toBe(found);
    return found!;
  });
  await press('b', row);
  const three = await times();
  await waitFor(() => expect(document.activeElement?.closest('[data-testid=booking]')).not.toBeNull());
  await press('3');
  await waitFor(() => expect(chosen()).toBe(three[2]!.dataset.startsAt));
  const shown = three.map((each) => each.dataset.startsAt!);
  await press('m');
  await waitFor(() => expect(chosen()! > shown[2]!).toBe(true));
  const next = (await times()).map((each) => each.dataset.startsAt!);
  expect(next.every((each) => each > shown[2]!)).toBe(true);
  expect(screen.getByTestId('first-times')).toBeVisible();
  await press('Escape');
  await waitFor(() => expect(screen.queryByTestId('booking')).toBeNull());
  expect(document.activeElement).toBe(row);
  expect(clinic.asked.some(({ cmd }) => cmd === 'book_appointment')).toBe(false);
});

test('an offer goes behind what was begun, on a line of its own', async () => {
  const clinic = open({}, '#/inbox/all/conv-0');
  const area = await screen.findByTestId<HTMLTextAreaElement>('composer');
  area.focus();
  document.execCommand('insertText', false, 'Oi, bom dia.');
  await waitFor(() => expect(area.value).toBe('Oi, bom dia.'));
  area.blur();
  await openBooking(clinic, 0);
  await press('o');
  await waitFor(() => expect(composer().value.split('\n').length).toBe(6));
  expect(composer().value).toMatch(/^Oi, bom dia\.\nMaria, tenho estes horários livres:\n• /);
  expect(screen.getByTestId('booking'), 'the person has not chosen yet').toBeVisible();
  const last = () => clinic.messages.get('conv-0')!.at(-1)!.body;
  expect(last()).not.toContain('horários livres');
});

test('what for, with whom and from when narrow the times', async () => {
  const clinic = open({}, '#/inbox/all/conv-0');
  await openBooking(clinic, 0);
  await fireEvent.change(screen.getByTestId('booking-service'), { target: { value: 'service-3' } });
  await fireEvent.change(screen.getByTestId('booking-professional'), { target: { value: 'pro-2' } });
  const from = screen.getByTestId<HTMLInputElement>('booking-from');
  await fireEvent.input(from, { target: { value: 'banana' } });
  await press('Enter', from);
  expect(await screen.findByText('Escreva um dia, como 24/11, amanhã ou sexta.')).toBeVisible();
  const day = dayOf(new Date(Date.now() + 5 * 86_400_000)).toString();
  await fireEvent.input(from, { target: { value: `${day.slice(8)}/${day.slice(5, 7)}` } });
  await press('Enter', from);
  expect(from.value, 'it says how it was understood').toMatch(/^\d\d\/\d\d \(...\)$/);
  await waitFor(() =>
    expect(lastAsked(clinic, 'find_times')).toMatchObject({
      service_id: 'service-3',
      professional_id: 'pro-2',
      from: day,
      after: null,
    }),
  );
  await waitFor(() => expect(chosen()! >= day).toBe(true));
  expect((await times()).every((each) => each.textContent.includes('Dr. Rui Castanho'))).toBe(true);
});

test('whoever is no patient yet becomes one', async () => {
  const clinic = open({}, '#/inbox/all/conv-1');
  await openBooking(clinic, 1);
  expect(screen.getByTestId<HTMLSelectElement>('booking-for').value).toBe('person');
  await press('Enter');
  await waitFor(() => expect(composer().value).toMatch(/^João, ficou marcado: /));
  expect(lastAsked(clinic, 'book_appointment')).toMatchObject({ book_for: { kind: 'person' } });
});

test('where animals are cared for, one without a name is asked for it first', async () => {
  const clinic = open({}, '#/inbox/all/conv-1');
  clinic.booking.isVeterinary = true;
  await openBooking(clinic, 1);
  const name = screen.getByTestId<HTMLInputElement>('booking-name');
  await waitFor(() => expect(document.activeElement).toBe(name));
  expect(screen.getByText('Nome do animal')).toBeVisible();
  expect(screen.getByTestId<HTMLButtonElement>('book').disabled).toBe(true);
  await press('Enter', name);
  expect(clinic.asked.some(({ cmd }) => cmd === 'book_appointment')).toBe(false);
  await fireEvent.input(name, { target: { value: 'Mel 2' } });
  await press('2', name);
  await press('Enter', name);
  await waitFor(() => expect(composer().value).toContain('para Mel 2: '));
});

test('a time that is taken meanwhile is gone in sight and not booked', async () => {
  const clinic = open({}, '#/inbox/all/conv-0');
  const [, second] = await openBooking(clinic, 0);
  await press('2');
  const wanted = second!.dataset.startsAt!;
  const professional = second!.querySelector('.who')!.textContent;
  const like = clinic.visits[0]!;
  clinic.visits.push({
    ...like,
    id: 'meanwhile',
    professional_id: clinic.professionals.find(({ name }) => name === professional)!.id,
    starts_at: wanted,
    ends_at: new Date(Date.parse(wanted) + 15 * 60_000).toISOString(),
    status: 'scheduled',
    squeezed_in: false,
  });
  clinic.tell(['agenda']);
  expect(await screen.findByText('O horário escolhido acabou de ser ocupado. Escolha outro.')).toBeVisible();
  expect(screen.getByTestId<HTMLButtonElement>('book').disabled).toBe(true);
});

test('without a line it is booked on this computer, and said', async () => {
  const clinic = open(
    { status: { connection: 'offline', offline_since: new Date().toISOString() } },
    '#/inbox/all/conv-0',
  );
  await openBooking(clinic, 0);
  await press('Enter');
  await waitFor(() => expect(composer().value).toContain('ficou marcado'));
  const id = clinic.visits.at(-1)!.id;
  await waitFor(() =>
    expect(document.querySelector<HTMLElement>(`[data-visit-id=${id}]`)!.textContent).toContain(
      'Guardada neste computador, ainda não confirmada',
    ),
  );
});

test('a refusal is said beside the button, and nothing else happens', async () => {
  const clinic = open({ refuse: { book_appointment: 'slot_taken' } }, '#/inbox/all/conv-0');
  await openBooking(clinic, 0);
  (await screen.findByTestId('book')).click();
  expect(await within(screen.getByTestId('booking')).findByRole('alert')).toBeVisible();
  expect(composer().value).toBe('');
});

test('nobody who could be visited, and the panel says so', async () => {
  const clinic = open({}, '#/inbox/all/conv-0');
  clinic.professionals = [];
  await screen.findByTestId('act-book');
  await press('b', document.body);
  expect(await screen.findByText(/^Nenhum horário livre até /)).toBeVisible();
  await press('Escape');
  await waitFor(() => expect(screen.queryByTestId('booking')).toBeNull());
});

test('another thread begins without the panel', async () => {
  const clinic = open({}, '#/inbox/all/conv-0');
  await openBooking(clinic, 0);
  location.hash = '#/inbox/all/conv-1';
  await waitFor(() => expect(screen.queryByTestId('booking')).toBeNull());
  expect(clinic.asked.some(({ cmd }) => cmd === 'book_appointment')).toBe(false);
});

test('until the clinic has a visit it says so beside the text, which may go all the same', async () => {
  const clinic = open(
    { status: { connection: 'offline', offline_since: new Date().toISOString() } },
    '#/inbox/all/conv-0',
  );
  await openBooking(clinic, 0);
  await press('Enter');
  await waitFor(() => expect(composer().value).toContain('ficou marcado'));
  const waits = await screen.findByTestId('awaited-waits', {}, { timeout: 3000 });
  expect(waits).toHaveTextContent(/Aguardando a clínica confirmar: Theo, .* O texto abaixo pode ir/);
  expect(screen.getByTestId('send')).toBeEnabled();
  // It is there: nothing is to be said any more, and the text stays.
  clinic.visits.at(-1)!.state = 'confirmed';
  clinic.tell(['agenda']);
  await waitFor(() => expect(screen.queryByTestId('awaited')).toBeNull());
  expect(composer().value).toContain('ficou marcado');
});

test('a time that somebody else took takes its text back, and asks for a decision', async () => {
  const clinic = open(
    { status: { connection: 'offline', offline_since: new Date().toISOString() } },
    '#/inbox/all/conv-0',
  );
  const area = await screen.findByTestId<HTMLTextAreaElement>('composer');
  area.focus();
  document.execCommand('insertText', false, 'Oi!');
  area.blur();
  await openBooking(clinic, 0);
  await press('Enter');
  await waitFor(() => expect(composer().value).toMatch(/^Oi!\nMaria, ficou marcado/));
  const visit = clinic.visits.at(-1)!;
  clinic.booking.refused.set(visit.id, 'slot_taken');
  visit.state = 'parked';
  clinic.tell(['agenda']);
  const lost = await screen.findByTestId('awaited-lost');
  await waitFor(() => expect(composer().value, 'what else was written stays').toBe('Oi!'));
  expect(lost).toHaveTextContent('foi ocupado por outra pessoa');
  expect(lost).toHaveTextContent('O texto que confirmava saiu do campo.');
  expect(screen.getByTestId('awaited-decide')).toBeVisible();
});

test('a patient who was made with a visit goes with it when that is undone', async () => {
  const clinic = open({}, '#/inbox/all/conv-0');
  await openBooking(clinic, 0);
  await fireEvent.change(screen.getByTestId('booking-for'), { target: { value: 'new' } });
  const name = await screen.findByTestId<HTMLInputElement>('booking-name');
  await fireEvent.input(name, { target: { value: 'Lia' } });
  await press('Enter', name);
  await waitFor(() => expect(clinic.booking.patients.get('contact-0')).toHaveLength(2));
  (await screen.findAllByTestId('toast-act')).at(-1)!.click();
  await waitFor(() => expect(clinic.booking.patients.get('contact-0')).toHaveLength(1));
  expect(lastAsked(clinic, 'undo_booking')).toMatchObject({ patient_added: 'patient-new-1' });
});

test('the owner says how soon a visit is still offered', async () => {
  const clinic = open({}, '#/settings');
  clinic.set({ session: { ...clinic.session, member: { id: 'me', name: 'Júlia', role: 'owner' } } as never });
  const field = await screen.findByTestId<HTMLInputElement>('lead-minutes');
  expect(field.value).toBe('30');
  await fireEvent.input(field, { target: { value: '90' } });
  screen.getByTestId('lead-save').click();
  await waitFor(() => expect(lastAsked(clinic, 'set_booking_lead')).toEqual({ minutes: 90 }));
  expect(await screen.findByText('A antecedência foi mudada.')).toBeVisible();
});
