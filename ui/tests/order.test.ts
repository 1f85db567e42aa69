import { screen, waitFor } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import { open } from './open';

test('what somebody looks at is asked for before what stands beside it', async () => {
  const clinic = open({}, '#/inbox/all');
  const row = (await screen.findAllByTestId('conversation-row'))[0];
  row?.click();
  await screen.findByTestId('thread');
  const thread = row?.dataset.conversationId ?? '';

  // What the thread asks to fill its page is answered by then.
  await new Promise((done) => setTimeout(done, 500));
  const asked: string[] = [];
  const call = clinic.call.bind(clinic);
  clinic.call = (command, payload) => {
    asked.push(command);
    return call(command, payload);
  };
  await call('send_message', {
    conversation_id: thread,
    text: 'Bom dia',
    quoted_id: null,
    scheduled_for: null,
  });
  await waitFor(() => expect(asked).toContain('get_inbox_frame'));
  const first = (command: string) => asked.indexOf(command);
  expect(first('get_thread')).toBeGreaterThanOrEqual(0);
  expect(first('list_conversations')).toBeGreaterThan(first('get_thread'));
  expect(first('get_inbox_frame')).toBeGreaterThan(first('list_conversations'));
});
