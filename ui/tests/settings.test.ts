import { screen, waitFor } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import { holding } from '../src/lib/shell/holding';
import { open } from './open';

test('the settings come in sight when all of their parts are there, and not one after another', async () => {
  const clinic = open({}, '#/inbox/all');
  await screen.findAllByTestId('conversation-row');
  clinic.slow = 120;
  location.hash = '#/settings';
  const settings = await screen.findByTestId('settings');
  expect(settings).toHaveAttribute('data-whole', 'false');
  await waitFor(() => expect(settings).toHaveAttribute('data-whole', 'true'));
  expect(screen.getAllByTestId('quick-reply').length).toBeGreaterThan(0);
  expect(screen.queryByTestId('bones')).toBeNull();
  clinic.slow = 0;
});

test('a part that takes too long is not waited for', async () => {
  const clinic = open({}, '#/inbox/all');
  await screen.findAllByTestId('conversation-row');
  clinic.slow = 2000;
  location.hash = '#/settings';
  const settings = await screen.findByTestId('settings');
  expect(await screen.findByTestId('bones')).toBeVisible();
  await waitFor(() => expect(settings).toHaveAttribute('data-whole', 'true'), { timeout: 1500 });
  clinic.slow = 0;
});

test('what is under the pointer stays there while a part above it grows', async () => {
  const scroller = document.createElement('div');
  scroller.style.cssText = 'height: 200px; overflow-y: auto; overflow-anchor: none';
  scroller.innerHTML = `<div>${'<section style="height: 90px">x</section>'.repeat(5)}</div>`;
  document.body.append(scroller);
  const letGo = holding(scroller);
  const [first, second] = scroller.querySelectorAll('section');
  const top = () => second!.getBoundingClientRect().top;
  second!.dispatchEvent(new PointerEvent('pointerover', { bubbles: true }));
  const before = top();
  first!.style.height = '250px';
  await waitFor(() => expect(scroller.scrollTop).toBe(160));
  expect(top()).toBe(before);
  // One that grows below moves nothing.
  scroller.querySelectorAll<HTMLElement>('section')[3]!.style.height = '400px';
  await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  expect(top()).toBe(before);
  letGo();
  scroller.remove();
});
