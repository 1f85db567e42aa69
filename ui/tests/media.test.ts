import { fireEvent, screen, waitFor, within } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import type { MessageRow } from '../src/lib/bridge';
import { faceOf } from '../src/lib/inbox/media/kinds';
import type { FakeClinic } from './fake/clinic';
import { open } from './open';

const thread = (clinic: FakeClinic): MessageRow[] => clinic.messages.get('conv-7')!;
/** The n-th message from the end. */
const from = (clinic: FakeClinic, end: number): MessageRow => thread(clinic).at(-end)!;
const bubble = ({ id }: MessageRow) => document.querySelector<HTMLElement>(`[data-message-id="${id}"]`)!;

async function openThread(scenario = {}): Promise<FakeClinic> {
  const clinic = open(scenario, '#/inbox/all/conv-7');
  await screen.findByTestId('composer');
  await waitFor(() => expect(bubble(from(clinic, 4))).not.toBeNull());
  return clinic;
}

const png = (name: string) =>
  new File([Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 1, 2, 3])], name, { type: 'image/png' });

test('a picture comes in place of its small one', async () => {
  const clinic = await openThread();
  const picture = await within(bubble(from(clinic, 4))).findByTestId<HTMLImageElement>('picture');
  await waitFor(() => expect(picture.naturalWidth).toBe(12));
  expect(picture.src).toMatch(/^blob:/);
});

test('what a file is decides its face, and not what its message says', () => {
  const of = (kind: string, mime_type: string) =>
    faceOf({ kind, attachment: { mime_type } } as unknown as MessageRow);
  expect(of('image', 'image/jpeg')).toBe('picture');
  expect(of('image', 'application/octet-stream')).toBe('paper');
  expect(of('image', 'image/svg+xml')).toBe('paper');
  expect(of('document', 'text/html')).toBe('paper');
  expect(of('audio', 'audio/ogg; codecs=opus')).toBe('sound');
});

test('what became of a file is said, and can be tried again', async () => {
  const clinic = await openThread();
  const state = (end: number) => within(bubble(from(clinic, end)));
  await waitFor(() => expect(state(9).getByText('Buscando o arquivo…')).toBeVisible());
  expect(state(11).getByText(/Grande demais/)).toBeVisible();
  expect(state(11).queryByTestId('media-again')).toBeNull();
  expect(state(10).getByText('O WhatsApp já não tem este arquivo.')).toBeVisible();
  state(10).getByTestId('media-again').click();
  await waitFor(() => expect(state(10).getByText('Buscando o arquivo…')).toBeVisible());
});

test('without a line a file that is not here says so, and comes when it is asked for again', async () => {
  const clinic = open({}, '#/inbox/all');
  await screen.findByTestId('status-line');
  const message = from(clinic, 3);
  clinic.media.elsewhere.add(message.id);
  location.hash = '#/inbox/all/conv-7';
  const problem = await screen.findByTestId('media-problem');
  expect(problem.textContent).toContain('Sem conexão, e o arquivo não está neste computador.');
  clinic.media.elsewhere.clear();
  problem.querySelector('button')!.click();
  await waitFor(() => expect(within(bubble(message)).queryByTestId('picture')).not.toBeNull());
});

test('a voice note is heard at three speeds', async () => {
  const clinic = await openThread();
  const sound = within(bubble(from(clinic, 5)));
  const speed = sound.getByTestId('speed');
  expect(speed.textContent).toContain('1×');
  await fireEvent.click(speed);
  expect(speed.textContent).toContain('1,5×');
  await fireEvent.click(sound.getByTestId('play'));
  const audio = await sound.findByTestId<HTMLAudioElement>('audio');
  await waitFor(() => expect(audio.playbackRate).toBe(1.5));
  await fireEvent.click(speed);
  await waitFor(() => expect(audio.playbackRate).toBe(2));
  await fireEvent.click(speed);
  expect(speed.textContent).toContain('1×');
});

test('the viewer goes from one to the next, saves, and closes with Esc', async () => {
  const clinic = await openThread();
  within(bubble(from(clinic, 4)))
    .getByTestId('open-picture')
    .click();
  const viewer = await screen.findByTestId('viewer');
  const large = () => within(viewer).findByTestId<HTMLImageElement>('viewer-picture');
  await waitFor(async () => expect((await large()).naturalWidth).toBe(12));
  expect(viewer.textContent).toContain('2 de 3');
  expect(viewer.textContent).toContain('a receita');
  await fireEvent.keyDown(viewer, { key: 'ArrowRight' });
  await waitFor(async () => expect((await large()).naturalWidth).toBe(8));
  await fireEvent.keyDown(viewer, { key: 'ArrowRight' });
  expect(viewer.textContent, 'the last one stays').toContain('3 de 3');
  await fireEvent.keyDown(viewer, { key: 'ArrowLeft' });
  await fireEvent.keyDown(viewer, { key: 'ArrowLeft' });
  expect(await within(viewer).findByTestId('viewer-film')).toBeVisible();
  within(viewer).getByTestId('viewer-save').click();
  expect(await screen.findByText(/^Salvo em/)).toBeVisible();
  expect(clinic.media.saved).toEqual([from(clinic, 7).id]);
  await fireEvent.keyDown(viewer, { key: 'Escape' });
  await waitFor(() => expect(screen.queryByTestId('viewer')).toBeNull());
});

test('a document is saved, and nothing else', async () => {
  const clinic = await openThread();
  const paper = within(bubble(from(clinic, 6)));
  await waitFor(() => expect(paper.getByText('hemograma-novembro.pdf')).toBeVisible());
  paper.getByTestId('save-file').click();
  expect(await screen.findByText('Salvo em /home/recepcao/Downloads/hemograma-novembro.pdf.')).toBeVisible();
});

test('a picture that is pasted goes with its caption, and what does not fit is said', async () => {
  const clinic = await openThread();
  const field = screen.getByTestId<HTMLTextAreaElement>('composer');
  const clipboard = new DataTransfer();
  clipboard.items.add(png('captura.png'));
  field.dispatchEvent(new ClipboardEvent('paste', { clipboardData: clipboard, bubbles: true }));
  expect(await screen.findByText('captura.png')).toBeVisible();
  expect(field.placeholder).toBe('Escreva uma legenda');
  await fireEvent.input(field, { target: { value: 'segue a guia' } });
  await fireEvent.click(screen.getByTestId('send'));
  await waitFor(() => expect(clinic.media.sent.size).toBe(1));
  const [id, sent] = [...clinic.media.sent][0]!;
  expect(sent).toMatchObject({ caption: 'segue a guia', file_name: 'captura.png' });
  await waitFor(() => expect(screen.queryByTestId('attachment')).toBeNull());
  expect(field.value).toBe('');
  await waitFor(() => expect(document.querySelector(`[data-message-id="${id}"]`)).not.toBeNull());

  const dropped = new DataTransfer();
  dropped.items.add(png('uma.png'));
  dropped.items.add(new File([], 'vazio.pdf'));
  const place = document.querySelector('section.thread')!;
  place.dispatchEvent(new DragEvent('drop', { dataTransfer: dropped, bubbles: true, cancelable: true }));
  expect((await screen.findByTestId('attach-problem')).textContent).toContain('vazio.pdf está vazio.');
  expect(screen.getAllByTestId('attachment')).toHaveLength(1);
});

test('a file that is refused stays beside the answer', async () => {
  await openThread({ refuse: { send_file: 'file_too_large' } });
  const clipboard = new DataTransfer();
  clipboard.items.add(png('grande.png'));
  const field = screen.getByTestId('composer');
  field.dispatchEvent(new ClipboardEvent('paste', { clipboardData: clipboard, bubbles: true }));
  await screen.findByText('grande.png');
  await fireEvent.click(screen.getByTestId('send'));
  expect(await screen.findByText(/grande demais para o WhatsApp/)).toBeVisible();
  expect(screen.getByText('grande.png')).toBeVisible();
});
