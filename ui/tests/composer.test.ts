import { fireEvent, screen, waitFor, within } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import { findEmoji, readEmoji, recent, toned } from '../src/lib/inbox/composer/emoji';
import { matching, pieces, slashAt } from '../src/lib/inbox/composer/typed';
import { prefer } from '../src/lib/shell/preferences.svelte';
import { FakeComposer } from './fake/composer';
import type { FakeClinic } from './fake/clinic';
import { open } from './open';

const composer = () => screen.findByTestId<HTMLTextAreaElement>('composer');

/** Types at the end of what is being written, as a person does. */
async function type(area: HTMLTextAreaElement, words: string) {
  area.focus();
  area.setSelectionRange(area.value.length, area.value.length);
  document.execCommand('insertText', false, words);
  await waitFor(() => expect(area.value.endsWith(words)).toBe(true));
}

const press = (area: HTMLElement, key: string, more: KeyboardEventInit = {}) =>
  fireEvent.keyDown(area, { key, ...more });
const sentTo = (clinic: FakeClinic, id: string) => clinic.messages.get(id)!.at(-1)!.body;
const suggested = () => screen.findAllByTestId('suggestion');
const admin = { id: 'me', name: 'Júlia Andrade', role: 'admin' };

test('a slash where a word begins asks for a quick reply', () => {
  expect(slashAt('/ol', 3)).toEqual({ word: 'ol', from: 0, until: 3 });
  expect(slashAt('Oi /pre', 7)).toEqual({ word: 'pre', from: 3, until: 7 });
  expect(slashAt('/', 1)).toEqual({ word: '', from: 0, until: 1 });
  for (const text of ['24/11', 'e/ou', 'https://a', '/a b', 'ola'])
    expect(slashAt(text, text.length), text).toBeUndefined();
  expect(slashAt('/preparo', 3), 'what stands behind the caret stays').toEqual({
    word: 'pr',
    from: 0,
    until: 3,
  });
});

test('short names come before titles, and accents do not matter', () => {
  const { replies } = new FakeComposer(
    () => [],
    () => true,
    () => new Map(),
    () => undefined,
    () => ({ code: '', message: '', reference: null }),
  );
  const names = (word: string) => matching(replies, word).map((each) => each.shortcut);
  expect(names('o')).toEqual(['ola', 'orcamento', 'convenios', 'endereco', 'preparo']);
  expect(names('Orç')).toEqual(['orcamento']);
  expect(names('exame')).toEqual(['preparo']);
  expect(names('zzz')).toEqual([]);
});

test('the places of a text are told from the rest', () => {
  expect(pieces('Oi, {{nome}}.')).toEqual([
    { text: 'Oi, ', place: false },
    { text: '{{nome}}', place: true },
    { text: '.', place: false },
  ]);
});

test('a slash, letters and Enter put a quick reply in, filled for the person', async () => {
  const clinic = open({}, '#/inbox/all/conv-3');
  const area = await composer();
  await type(area, '/ola');
  expect(await suggested()).toHaveLength(1);
  expect(area.getAttribute('aria-activedescendant')).toBe('quick-replies-reply-ola');
  await press(area, 'Enter');
  const name = clinic.conversations[3]!.name.split(' ')[0];
  await waitFor(() => expect(area.value).toBe(`Olá, ${name}. Aqui é Júlia Andrade, da Clínica Acácia.`));
  expect(screen.queryByTestId('quick-replies')).toBeNull();
  await press(area, 'Enter');
  await waitFor(() => expect(sentTo(clinic, 'conv-3')).toContain('Aqui é Júlia Andrade'));
});

test('arrows walk, Tab takes, Escape leaves the text as it is', async () => {
  open({}, '#/inbox/all/conv-3');
  const area = await composer();
  await type(area, 'Segue: /');
  expect(await suggested()).toHaveLength(5);
  await press(area, 'ArrowDown');
  await press(area, 'ArrowUp');
  await press(area, 'ArrowUp');
  await waitFor(() => expect(area.getAttribute('aria-activedescendant')).toBe('quick-replies-reply-preparo'));
  await press(area, 'Tab');
  await waitFor(() => expect(area.value).toBe('Segue: Jejum de 8 horas, água pode.'));
  await type(area, ' /e');
  await suggested();
  await press(area, 'Escape');
  await waitFor(() => expect(screen.queryByTestId('quick-replies')).toBeNull());
  expect(document.activeElement).toBe(area);
  expect(area.value).toBe('Segue: Jejum de 8 horas, água pode. /e');
});

test('what a quick reply lacks is asked for, and Escape leads back', async () => {
  open({}, '#/inbox/all/conv-4');
  const area = await composer();
  await type(area, '/orc');
  await suggested();
  await press(area, 'Enter');
  const field = await screen.findByTestId<HTMLInputElement>('missing-valor');
  await waitFor(() => expect(document.activeElement).toBe(field));
  expect(screen.getByTestId('missing-fill')).toBeDisabled();
  await press(field, 'Escape');
  await waitFor(() => expect(document.activeElement).toBe(area));
  expect(area.value).toContain('{{valor}}');
});

test('nothing goes out with a place that is not filled in', async () => {
  const clinic = open({}, '#/inbox/all/conv-4');
  const area = await composer();
  const before = clinic.messages.get('conv-4')!.length;
  await type(area, 'Fica em {{valor}}.');
  await press(area, 'Enter');
  const field = await screen.findByTestId<HTMLInputElement>('missing-valor');
  expect(clinic.messages.get('conv-4')).toHaveLength(before);
  await fireEvent.input(field, { target: { value: 'R$ 480,00' } });
  screen.getByTestId('missing-fill').click();
  await waitFor(() => expect(sentTo(clinic, 'conv-4')).toBe('Fica em R$ 480,00.'));
  await waitFor(() => expect(area.value).toBe(''));
});

test('what was being written is there again after a restart, and goes when it is sent', async () => {
  const clinic = open({}, '#/inbox/all/conv-6');
  clinic.composer.drafts.set('conv-8', { text: 'de ontem', note: '', quoted_id: null });
  const area = await composer();
  await type(area, 'pela metade');
  await waitFor(() => expect(clinic.composer.drafts.get('conv-6')?.text).toBe('pela metade'));
  expect(JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage })).not.toContain(
    'pela metade',
  );
  location.hash = '#/inbox/all/conv-8';
  const other = await waitFor(() => {
    const next = screen.getByTestId<HTMLTextAreaElement>('composer');
    expect(next.value).toBe('de ontem');
    return next;
  });
  await press(other, 'Enter');
  await waitFor(() => expect(clinic.composer.drafts.has('conv-8')).toBe(false));
});

test('a draft that could not be kept is kept when it can be', async () => {
  const clinic = open({ refuse: { keep_draft: 'disk_full' } }, '#/inbox/all/conv-7');
  const area = await composer();
  await type(area, 'não se perde');
  await waitFor(() => expect(clinic.asked.some(({ cmd }) => cmd === 'keep_draft')).toBe(true));
  clinic.refusals = {};
  await type(area, ' mesmo');
  await waitFor(() => expect(clinic.composer.drafts.get('conv-7')?.text).toBe('não se perde mesmo'));
});

test('words that were begun go before anything is spoken', async () => {
  open({}, '#/inbox/all/conv-9');
  const area = await composer();
  await type(area, 'um começo');
  expect(screen.queryByTestId('record')).toBeNull();
  area.blur();
  await press(document.body, 'm');
  await waitFor(() => expect(area).toBe(document.activeElement));
  expect(screen.queryByTestId('recorder')).toBeNull();
});

test('with Ctrl Enter chosen, Enter begins a new line', async () => {
  const clinic = open({}, '#/inbox/all/conv-9');
  await prefer({ send_key: 'ctrl_enter' });
  const area = await composer();
  expect(screen.getByTestId('record'), 'where there is nothing to be sent').toBeVisible();
  await type(area, 'primeira linha');
  await waitFor(() => expect(screen.getByTestId('send').title).toBe('Enviar · Ctrl Enter'));
  await press(area, 'Enter');
  expect(area.value).toBe('primeira linha');
  await press(area, 'Enter', { ctrlKey: true });
  await waitFor(() => expect(sentTo(clinic, 'conv-9')).toBe('primeira linha'));
  await prefer({ send_key: 'enter' });
});

test('emoji are found in Portuguese and in English, and the last ones are remembered', async () => {
  const all = await readEmoji('pt-BR');
  expect(all.length).toBeGreaterThan(1500);
  expect(findEmoji(all, 'coração').map((each) => each.emoji)).toContain('❤️');
  expect(findEmoji(all, 'coracao verm')[0]?.emoji).toBe('❤️');
  expect(findEmoji(await readEmoji('en'), 'tooth').map((each) => each.emoji)).toContain('🦷');
  expect(findEmoji(all, 'zzzz')).toEqual([]);
  expect(recent(['a', 'b', 'c'], 'b')).toEqual(['b', 'a', 'c']);
});

test('an emoji is put in where the caret stands', async () => {
  const clinic = open({}, '#/inbox/all/conv-10');
  const area = await composer();
  await type(area, 'Oi  tudo bem?');
  area.setSelectionRange(3, 3);
  screen.getByTestId('emoji-button').click();
  const search = await screen.findByTestId<HTMLInputElement>('emoji-search');
  await fireEvent.input(search, { target: { value: 'sorri' } });
  await waitFor(() => expect(screen.getAllByTestId('emoji').length).toBeGreaterThan(3));
  await fireEvent.keyDown(search, { key: 'ArrowRight' });
  const chosen = screen.getAllByTestId('emoji')[1]!.textContent;
  await fireEvent.keyDown(search, { key: 'Enter' });
  await waitFor(() => expect(area.value).toBe(`Oi ${chosen} tudo bem?`));
  await waitFor(() => expect(clinic.preferences.recent_emoji).toEqual([chosen]));
});

test('emoji of people come in the tone of skin that was chosen, and the choice is remembered', async () => {
  const all = await readEmoji('pt-BR');
  const of = (sign: string) => all.find((each) => each.emoji === sign)!;
  expect([toned(of('👋'), 0), toned(of('👋'), 5), toned(of('🦷'), 5)]).toEqual(['👋', '👋🏿', '🦷']);
  expect(toned(of('🧑‍🤝‍🧑'), 3), 'two people, one tone').toBe('🧑🏽‍🤝‍🧑🏽');
  const clinic = open({}, '#/inbox/all/conv-10');
  const area = await composer();
  screen.getByTestId('emoji-button').click();
  const search = await screen.findByTestId<HTMLInputElement>('emoji-search');
  const dark = within(screen.getByTestId('emoji-tones')).getByRole<HTMLInputElement>('radio', {
    name: 'Pele morena escura',
  });
  dark.click();
  await waitFor(() => expect(clinic.preferences.emoji_tone).toBe(4));
  await waitFor(() => expect(dark).toBeChecked());
  await fireEvent.input(search, { target: { value: 'mao acenando' } });
  await waitFor(() => expect(screen.getAllByTestId('emoji')[0]!.textContent).toBe('👋🏾'));
  await fireEvent.keyDown(search, { key: 'Enter' });
  await waitFor(() => expect(area.value).toBe('👋🏾'));
  // Another tone makes another sign of it.
  await waitFor(() => expect(clinic.preferences.recent_emoji[0]).toBe('👋'));
  await prefer({ emoji_tone: 0, recent_emoji: [] });
});

test('whoever may change quick replies adds, changes and removes one, and takes that back', async () => {
  const clinic = open({}, '#/settings');
  clinic.set({ session: { ...clinic.session, member: admin } as typeof clinic.session });
  (await screen.findByTestId('quick-reply-add')).click();
  const shortcut = await screen.findByTestId<HTMLInputElement>('quick-reply-shortcut');
  await fireEvent.input(shortcut, { target: { value: 'ola' } });
  await fireEvent.input(screen.getByTestId('quick-reply-title'), { target: { value: 'Retorno' } });
  await fireEvent.input(screen.getByTestId('quick-reply-body'), { target: { value: 'Retorno em 30 dias.' } });
  screen.getByTestId('quick-reply-save').click();
  expect(await screen.findByText('Outra resposta rápida já tem este atalho.')).toBeVisible();
  await fireEvent.input(shortcut, { target: { value: 'retorno' } });
  screen.getByTestId('quick-reply-save').click();
  await screen.findByText('Salvou a resposta Retorno');
  await screen.findByText('/retorno');
  screen.getByRole('button', { name: 'Remover Retorno' }).click();
  await waitFor(() => expect(screen.queryByText('/retorno')).toBeNull());
  (await screen.findAllByTestId('toast-act')).at(-1)!.click();
  expect(await screen.findByText('/retorno')).toBeVisible();
});

test('others see the quick replies and cannot change them', async () => {
  open({}, '#/settings');
  expect((await screen.findAllByTestId('quick-reply')).length).toBe(5);
  expect(screen.queryByTestId('quick-reply-add')).toBeNull();
  expect(screen.queryByTestId('quick-reply-remove')).toBeNull();
});
