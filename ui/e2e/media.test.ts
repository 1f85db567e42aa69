import type { Page } from '@playwright/test';
import { call, expect, test, violations } from './clinic';

interface Message {
  id: string;
  kind: string;
  direction: string;
  attachment: { file: string | null } | null;
}

const everything = { label: null, assignee_id: null, channel_id: null, waiting_minutes: null };

/** Opens a thread whose newest messages hold a picture that is in the clinic, and says which. */
async function openPictures(page: Page): Promise<{ conversation: string; picture: string }> {
  const about = { view: 'all', search: null, filter: everything, counting: [], offset: 0, limit: 200 };
  const { rows } = (await call(page, 'list_conversations', about)) as { rows: { id: string }[] };
  for (const { id } of rows) {
    const thread = { conversation_id: id, before: null, limit: 12, visits: 1 };
    const { messages } = (await call(page, 'get_thread', thread)) as { messages: Message[] };
    const picture = messages.findLast((each) => each.kind === 'image' && each.attachment?.file === 'stored');
    if (!picture) continue;
    await page.goto(`/#/inbox/all/${id}/${picture.id}`);
    return { conversation: id, picture: picture.id };
  }
  throw new Error('no thread has a picture');
}

test('a picture is shown in its thread, in large, and with the keys alone', async ({ clinic }) => {
  const { picture } = await openPictures(clinic);
  const bubble = clinic.locator(`[data-message-id="${picture}"]`);
  const shown = bubble.getByTestId('picture');
  await expect(shown).toBeVisible();
  await expect.poll(() => shown.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
  expect(await violations(clinic)).toEqual([]);
  await bubble.getByTestId('open-picture').focus();
  await clinic.keyboard.press('Enter');
  await expect(clinic.getByTestId('viewer-picture')).toBeVisible();
  expect(await violations(clinic)).toEqual([]);
  await clinic.keyboard.press('Escape');
  await expect(clinic.getByTestId('viewer')).toHaveCount(0);
  await expect(bubble.getByTestId('open-picture'), 'who was there is there again').toBeFocused();
});

test('files are chosen, looked at, and go with their words', async ({ clinic }) => {
  const { conversation } = await openPictures(clinic);
  await expect(clinic.getByTestId('composer')).toBeVisible();
  const picture = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAH0lEQVR42mP4jwMwQKgPWzTgCCGBLAqXo7IETsuxAgDtvZkhDwqO5wAAAABJRU5ErkJggg==',
    'base64',
  );
  await clinic.getByTestId('attach-field').setInputFiles([
    { name: 'guia.png', mimeType: 'image/png', buffer: picture },
    { name: 'preparo.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.4\n') },
  ]);
  await expect(clinic.getByTestId('attachment')).toHaveCount(2);
  expect(await violations(clinic)).toEqual([]);
  await clinic.getByRole('button', { name: 'Tirar preparo.pdf' }).click();
  await expect(clinic.getByTestId('attachment')).toHaveCount(1);
  await clinic.getByTestId('composer').fill('segue a guia');
  await clinic.keyboard.press('Enter');
  await expect(clinic.getByTestId('attachments')).toHaveCount(0);
  await expect(clinic.getByTestId('composer')).toHaveValue('');
  const newest = async (): Promise<Message | undefined> => {
    const thread = { conversation_id: conversation, before: null, limit: 1, visits: 1 };
    return ((await call(clinic, 'get_thread', thread)) as { messages: Message[] }).messages.at(-1);
  };
  await expect.poll(async () => (await newest())?.kind).toBe('image');
  const id = (await newest())?.id ?? '';
  await expect(clinic.locator(`[data-message-id="${id}"]`).getByTestId('picture')).toBeVisible();
  await expect.poll(async () => (await newest())?.attachment?.file).toBe('stored');
});
