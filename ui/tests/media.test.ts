import { fireEvent, screen, waitFor, within } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import type { MessageRow, Session } from '../src/lib/bridge';
import { waveformOf } from '../src/lib/inbox/composer/waveform';
import { faceOf } from '../src/lib/inbox/media/kinds';
import type { FakeClinic } from './fake/clinic';
import { open } from './open';

const thread = (clinic: FakeClinic): MessageRow[] => clinic.messages.get('conv-7')!;
/** The n-th message from the end. */
const from = (clinic: FakeClinic, end: number): MessageRow => thread(clinic).at(-end)!;
const bubble = ({ id }: MessageRow) => document.querySelector<HTMLElement>(`[data-message-id="${id}"]`)!;

const owner: Session = {
  state: 'ready',
  clinic: { id: 'clinic', name: 'Clínica Acácia', time_zone: 'America/Sao_Paulo', kind: 'remote' },
  member: { id: 'me', name: 'Júlia Andrade', role: 'owner' },
};

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

test('a file whose time is over says when it was removed, and cannot be had again', async () => {
  const clinic = await openThread();
  const removed = within(bubble(from(clinic, 12)));
  await waitFor(() => expect(removed.getByText('pedido-2024.pdf')).toBeVisible());
  expect(removed.getByText('Arquivo removido em 02/11/2026, após 2 anos.')).toBeVisible();
  expect(removed.queryByTestId('media-again')).toBeNull();
  expect(removed.getByText('o pedido'), 'the words stay').toBeVisible();
});

test('an owner says for how long files are kept, and is told what that costs', async () => {
  const clinic = open({ session: owner }, '#/settings');
  const choice = await screen.findByTestId<HTMLSelectElement>('files-months');
  expect(choice.value).toBe('24');
  await fireEvent.change(choice, { target: { value: '0' } });
  expect(screen.queryByTestId('files-loses'), 'nothing is lost by keeping more').toBeNull();
  await fireEvent.change(choice, { target: { value: '6' } });
  expect((await screen.findByTestId('files-loses')).textContent).toContain('mais de 6 meses');
  screen.getByTestId('files-save').click();
  await waitFor(async () => expect((await clinic.call('get_inbox_frame', {})).files_months).toBe(6));
  await waitFor(() => expect(screen.queryByTestId('files-loses')).toBeNull());
});

test('a waveform has at most 64 values, the loudest is 100, and silence has none', () => {
  expect(waveformOf([])).toEqual([]);
  expect(waveformOf([0, 0, 0])).toEqual([]);
  expect(waveformOf([10, 20, 5])).toEqual([50, 100, 25]);
  const long = waveformOf(Array.from({ length: 1000 }, (_, at) => (at === 500 ? 40 : 10)));
  expect(long).toHaveLength(64);
  expect([Math.max(...long), long[0], long.filter((value) => value === 100).length]).toEqual([100, 25, 1]);
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
  // The words go right after the file, and what is looked at here may be looked at in between.
  await waitFor(() => expect(field.value).toBe(''));
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

/** Puts files beside the answer, as somebody who pastes them. */
function paste(...files: File[]): void {
  const clipboard = new DataTransfer();
  for (const file of files) clipboard.items.add(file);
  const field = screen.getByTestId('composer');
  field.dispatchEvent(new ClipboardEvent('paste', { clipboardData: clipboard, bubbles: true }));
}

test('files beside an answer are there again after the screens were locked, and go as they are', async () => {
  const clinic = await openThread();
  await clinic.call('change_lock', { current_pin: null, new_pin: '4829', way: 'pin', minutes: 5 });
  // More than one piece.
  const large = new File([new Uint8Array(5 * 1024 * 1024).fill(7)], 'exames.pdf', {
    type: 'application/pdf',
  });
  paste(png('guia.png'), large);
  await waitFor(() =>
    expect([...clinic.composer.attached.values()].map(({ whole }) => whole)).toEqual([true, true]),
  );
  await clinic.call('lock_now', {});
  await screen.findByTestId('locked');
  expect(document.body.textContent).not.toContain('guia.png');
  expect(document.querySelector('img[src^=blob]')).toBeNull();

  await clinic.call('unlock', { pin: '4829' });
  await waitFor(() => expect(screen.getAllByTestId('attachment')).toHaveLength(2));
  const picture = screen.getByText('guia.png').closest('li')!;
  await waitFor(() => expect(picture.querySelector('img')?.src).toMatch(/^blob:/));
  screen.getByRole('button', { name: 'Tirar guia.png' }).click();
  await waitFor(() => expect(clinic.composer.attached.size).toBe(1));
  await fireEvent.click(screen.getByTestId('send'));
  await waitFor(() => expect(clinic.media.sent.size).toBe(1));
  const [sent] = [...clinic.media.sent.values()];
  expect([sent!.file_name, atob(sent!.base64).length]).toEqual(['exames.pdf', large.size]);
  expect(clinic.composer.attached.size, 'what went is not kept beside the answer').toBe(0);
});

test('a recording that was cut off is told from one that was ended, and what had to go from both', async () => {
  const clinic = open({}, '#/inbox/all');
  await screen.findByTestId('status-line');
  const of = { conversation_id: 'conv-7', number: 0, base64: btoa('OggS') };
  const spoken = {
    file_name: 'Mensagem de voz',
    mime_type: 'audio/ogg',
    voice: { seconds: 8, waveform: [50, 100] },
  };
  await clinic.call('keep_attached', { ...of, ...spoken, file_id: 'cut', whole: false });
  await clinic.call('keep_attached', { ...of, ...spoken, file_id: 'ended', whole: true });
  const lost = { file_name: 'laudo.pdf', mime_type: 'application/pdf', voice: null };
  await clinic.call('keep_attached', { ...of, ...lost, file_id: 'lost', whole: false });
  location.hash = '#/inbox/all/conv-7';
  await waitFor(() => expect(screen.getAllByTestId('attachment')).toHaveLength(3));
  const [cut, ended, gone] = screen.getAllByTestId('attachment') as [HTMLElement, HTMLElement, HTMLElement];
  expect(cut.textContent).toContain('Gravação interrompida');
  expect(cut.textContent).toContain('0:08');
  expect(within(cut).getByTestId('attachment-listen')).toBeVisible();
  expect(ended.textContent).not.toContain('interrompida');
  expect(gone.textContent).toContain('laudo.pdf');
  expect(gone.textContent).toContain('Não ficou guardado: anexe de novo.');
  await fireEvent.click(screen.getByTestId('send'));
  await waitFor(() => expect(clinic.media.sent.size).toBe(2));
  await waitFor(() =>
    expect(screen.getAllByTestId('attachment'), 'nothing is sent of what is gone').toHaveLength(1),
  );
  expect(screen.getByTestId('record'), 'and it is in nobody’s way').toBeVisible();
  screen.getByRole('button', { name: 'Tirar laudo.pdf' }).click();
  await waitFor(() => expect(clinic.composer.attached.size).toBe(0));
});

test('a file that cannot be kept is sent all the same', async () => {
  const clinic = await openThread({ refuse: { keep_attached: 'disk_full' } });
  paste(png('guia.png'));
  await waitFor(() => expect(clinic.asked.some(({ cmd }) => cmd === 'keep_attached')).toBe(true));
  expect(await screen.findByText('guia.png')).toBeVisible();
  await fireEvent.click(screen.getByTestId('send'));
  await waitFor(() => expect(clinic.media.sent.size).toBe(1));
  await waitFor(() => expect(screen.queryByTestId('attachment')).toBeNull());
});
