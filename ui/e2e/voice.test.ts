import type { Page } from '@playwright/test';
import { call, expect, test, violations } from './clinic';

// A microphone that nobody speaks into: it beeps once a second.
test.use({
  permissions: ['microphone'],
  launchOptions: {
    executablePath: process.env.BALCAO_CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
    ],
  },
});

interface Message {
  id: string;
  kind: string;
  attachment: {
    file: string | null;
    mime_type: string | null;
    voice: boolean | null;
    seconds: number | null;
    waveform: number[];
  } | null;
}

async function newest(page: Page, conversation: string): Promise<Message | undefined> {
  const thread = { conversation_id: conversation, before: null, limit: 1, visits: 1 };
  return ((await call(page, 'get_thread', thread)) as { messages: Message[] }).messages.at(-1);
}

/** Opens a thread in which no other test has begun to write, and says which it is. */
async function openThread(page: Page): Promise<string> {
  const row = page.getByTestId('conversation-row').nth(5);
  const conversation = (await row.getAttribute('data-conversation-id')) ?? '';
  await row.click();
  await expect(page.getByTestId('record')).toBeVisible();
  await page.locator('body').click({ position: { x: 2, y: 2 } });
  return conversation;
}

/** Speaks for so many seconds, or a little longer. */
async function speak(page: Page, seconds: number): Promise<void> {
  await expect(page.getByTestId('recorder')).toHaveAttribute('data-state', 'recording');
  const shown = async () => Number((await page.getByTestId('voice-time').textContent())?.split(':')[1]);
  await expect.poll(shown).toBeGreaterThanOrEqual(seconds);
}

test('what is spoken is listened to and goes as a voice note, with the keys alone', async ({ clinic }) => {
  const conversation = await openThread(clinic);
  await clinic.keyboard.press('m');
  await speak(clinic, 1);
  expect(await violations(clinic)).toEqual([]);
  await clinic.keyboard.press('Space');
  await expect(clinic.getByTestId('recorder')).toHaveAttribute('data-state', 'paused');
  await clinic.getByTestId('voice-listen').click();
  await expect(clinic.getByTestId('voice-listen')).toHaveAccessibleName('Parar de ouvir');
  expect(await violations(clinic)).toEqual([]);
  await clinic.getByTestId('recorder').focus();
  await clinic.keyboard.press('Space');
  await speak(clinic, 2);
  await clinic.keyboard.press('Enter');
  await expect(clinic.getByTestId('recorder')).toHaveCount(0);
  await expect(clinic.getByTestId('composer'), 'whoever spoke goes on writing').toBeFocused();
  await expect.poll(async () => (await newest(clinic, conversation))?.kind).toBe('audio');
  const sent = await newest(clinic, conversation);
  expect(sent?.attachment).toMatchObject({ voice: true, mime_type: 'audio/ogg' });
  expect(sent?.attachment?.seconds).toBeGreaterThanOrEqual(2);
  expect(sent?.attachment?.seconds).toBeLessThan(20);
  expect(Math.max(...(sent?.attachment?.waveform ?? []))).toBe(100);
  const bubble = clinic.locator(`[data-message-id="${sent?.id ?? ''}"]`);
  await expect(bubble.getByTestId('waveform')).toBeVisible();
  await bubble.getByTestId('play').click();
  await expect(bubble.getByTestId('play')).toHaveAccessibleName('Pausar: Mensagem de voz');
});

test('what was spoken is not lost by a key, nor by looking elsewhere', async ({ clinic }) => {
  const conversation = await openThread(clinic);
  const before = (await newest(clinic, conversation))?.id;
  await clinic.getByTestId('record').click();
  await speak(clinic, 1);
  await clinic.keyboard.press('Escape');
  await expect(clinic.getByTestId('recorder')).toHaveCount(0);
  await expect(clinic.getByTestId('attachment')).toHaveCount(0);
  await clinic.getByRole('button', { name: 'Desfazer' }).click();
  await expect(clinic.getByTestId('attachment')).toHaveCount(1);
  await clinic.getByRole('button', { name: 'Tirar Mensagem de voz' }).click();

  await clinic.getByTestId('record').click();
  await speak(clinic, 1);
  await clinic.getByTestId('conversation-row').nth(1).click();
  await expect(clinic.getByTestId('recorder')).toHaveCount(0);
  await expect(clinic.getByTestId('attachment')).toHaveCount(0);
  await clinic.goto('/#/agenda');
  await clinic.goto(`/#/inbox/all/${conversation}`);
  await expect(clinic.getByTestId('attachment')).toHaveAttribute('data-voice', 'true');
  expect(await violations(clinic)).toEqual([]);
  expect((await newest(clinic, conversation))?.id, 'nothing went').toBe(before);
  await clinic.getByRole('button', { name: 'Tirar Mensagem de voz' }).click();
  await expect(clinic.getByTestId('record')).toBeVisible();
});

/** What was cut off is beside the answer, to be heard, and goes like any other. */
async function sendCut(page: Page, conversation: string): Promise<void> {
  const cut = page.getByTestId('attachment');
  await expect(cut).toHaveAttribute('data-state', 'interrupted');
  await expect(cut).toContainText('Gravação interrompida');
  expect(await violations(page)).toEqual([]);
  await cut.getByTestId('attachment-listen').click();
  await expect(cut.getByTestId('attachment-listen')).toHaveAccessibleName('Parar de ouvir');
  await page.getByTestId('send').click();
  await expect(cut).toHaveCount(0);
  await expect.poll(async () => (await newest(page, conversation))?.attachment?.voice).toBe(true);
  const seconds = (await newest(page, conversation))?.attachment?.seconds ?? 0;
  expect(seconds, 'at most the last seconds are lost').toBeGreaterThanOrEqual(1);
}

test('what is being spoken when the window goes is there when it comes back', async ({ clinic }) => {
  const conversation = await openThread(clinic);
  await clinic.getByTestId('record').click();
  await speak(clinic, 3);
  await clinic.reload();
  await expect(clinic.getByTestId('recorder')).toHaveCount(0);
  await sendCut(clinic, conversation);
});

test('what is being spoken when the screens lock is in nobody’s sight until they are opened', async ({
  clinic,
}) => {
  const conversation = await openThread(clinic);
  await call(clinic, 'change_lock', { current_pin: null, new_pin: '4829', way: 'pin', minutes: 5 });
  await clinic.getByTestId('record').click();
  await speak(clinic, 3);
  await call(clinic, 'lock_now', {});
  const locked = clinic.getByTestId('locked');
  await expect(locked).toBeVisible();
  await expect(clinic.getByText('Gravação')).toHaveCount(0);
  await expect(clinic.locator('audio')).toHaveCount(0);
  await locked.locator('[name=pin]').fill('4829');
  await clinic.keyboard.press('Enter');
  await sendCut(clinic, conversation);
  await call(clinic, 'change_lock', { current_pin: '4829', new_pin: null, way: 'none', minutes: 0 });
});

for (const [name, words] of [
  ['NotAllowedError', 'Permita nas configurações de privacidade'],
  ['NotFoundError', 'Conecte um e grave de novo'],
] as const)
  test(`a microphone that is not there says what to do: ${name}`, async ({ clinic }) => {
    await openThread(clinic);
    await clinic.evaluate((refusal) => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', refusal));
    }, name);
    await clinic.getByTestId('record').click();
    await expect(clinic.getByTestId('voice-problem')).toContainText(words);
    await expect(clinic.getByTestId('composer'), 'and one can write').toBeVisible();
    expect(await violations(clinic)).toEqual([]);
  });
