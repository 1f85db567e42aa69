import { fromDate, toCalendarDate } from '@internationalized/date';
import { fireEvent, screen, waitFor } from '@testing-library/svelte';
import { afterEach, expect, test } from 'vitest';
import { dayOf, zone } from '../src/lib/i18n/zone.svelte';
import { Layout, pushedOut, withDays } from '../src/lib/inbox/thread';
import { FakeClinic, type Scenario } from './fake/clinic';
import { open } from './open';

/** More rows than stand on a page and its margins, however low they are. */
const mostDrawn = 120;

const pause = (milliseconds: number) => new Promise((wake) => setTimeout(wake, milliseconds));
const frame = () => new Promise((wake) => requestAnimationFrame(wake));
const drawn = (thread: HTMLElement) => [...thread.querySelectorAll<HTMLElement>('[data-testid=message]')];
const topOf = (row: HTMLElement) => row.getBoundingClientRect().top;

async function longThread(scenario: Scenario = {}): Promise<[FakeClinic, HTMLElement]> {
  const clinic = open({ long: 4000, ...scenario }, '#/inbox/all/conv-0');
  const thread = await screen.findByTestId('thread');
  await waitFor(() => expect(thread.scrollTop).toBeGreaterThan(1000), { timeout: 5000 });
  await pause(250);
  return [clinic, thread];
}

/** The first message that stands wholly in sight. */
function read(thread: HTMLElement): HTMLElement {
  const edge = topOf(thread);
  return drawn(thread).find((row) => topOf(row) >= edge)!;
}

function arrive(clinic: FakeClinic, count: number): void {
  const messages = clinic.messages.get('conv-0')!;
  for (let at = 0; at < count; at++)
    messages.push({
      ...messages.at(-1)!,
      id: `new-${messages.length}`,
      direction: 'inbound',
      sender_kind: 'contact',
      sent_at: new Date(Date.now() + at).toISOString(),
    });
  clinic.tell(['inbox'], ['conv-0']);
}

afterEach(() => (zone.current = 'America/Sao_Paulo'));

test('of thousands of messages only those in sight are drawn', { timeout: 120_000 }, async () => {
  const [, thread] = await longThread();
  let most = 0;
  for (let round = 0; !screen.queryByText('Início da conversa'); round++) {
    expect(round, 'the beginning comes').toBeLessThan(2000);
    thread.scrollTop = 0;
    await frame();
    most = Math.max(most, drawn(thread).length);
  }
  const height = thread.scrollHeight;
  expect(height, 'all of them are here').toBeGreaterThan(4000 * 30);
  for (let part = 1; part <= 20; part++) {
    thread.scrollTop = (height * part) / 20;
    await frame();
    await frame();
    most = Math.max(most, drawn(thread).length);
    expect(drawn(thread).length, `something is drawn at ${part} of 20`).toBeGreaterThan(0);
  }
  expect(most).toBeLessThan(mostDrawn);
});

test(
  'rows that have left the page are taken up again, and say all of what the next message says',
  { timeout: 60_000 },
  async () => {
    const [clinic, thread] = await longThread();
    const messages = clinic.messages.get('conv-0')!;
    messages.forEach((message, at) => {
      messages[at] = {
        ...message,
        revoked: at % 7 === 3,
        edited: at % 11 === 4,
        reactions: at % 13 === 5 ? [{ emoji: '👍', from_me: false }] : [],
        status: at % 17 === 6 && message.direction === 'outbound' ? 'failed' : message.status,
      };
    });
    clinic.tell(['inbox'], ['conv-0']);
    await pause(200);
    const [elements, ids] = [new Set<HTMLElement>(), new Set<string>()];
    for (let round = 0; round < 120; round++) {
      thread.scrollTop -= 500;
      await frame();
      await frame();
      for (const row of drawn(thread)) {
        const message = messages.find(({ id }) => id === row.dataset.messageId)!;
        if (message.kind !== 'text') continue;
        elements.add(row);
        ids.add(message.id);
        const said = row.textContent;
        expect(said.includes(message.body)).toBe(!message.revoked);
        expect(said.includes('editada')).toBe(message.edited && !message.revoked);
        expect(said.includes('👍')).toBe(message.reactions.length > 0);
        expect(row.dataset.direction).toBe(message.direction);
        expect(row.querySelector('[data-tick]')?.getAttribute('data-tick') ?? 'received').toBe(
          message.status,
        );
        expect(row.querySelector('[data-testid=answer] svg') !== null).toBe(message.is_quotable);
      }
    }
    expect(ids.size).toBeGreaterThan(500);
    expect(elements.size).toBeLessThan(ids.size / 3);
  },
);

test('who is in a row stays in it when its message changes', async () => {
  const [clinic, thread] = await longThread();
  const message = clinic.messages
    .get('conv-0')!
    .findLast(({ is_quotable, kind }) => is_quotable && kind === 'text')!;
  const row = drawn(thread).find((each) => each.dataset.messageId === message.id)!;
  const answer = row.querySelector<HTMLElement>('[data-testid=answer]')!;
  answer.focus();
  const all = clinic.messages.get('conv-0')!;
  all[all.indexOf(message)] = { ...message, edited: true };
  clinic.tell(['inbox'], ['conv-0']);
  await waitFor(() => expect(row.textContent).toContain('editada'));
  expect(document.activeElement).toBe(answer);
});

test(
  'what is read stays where it is while new ones come in below, and none is lost',
  { timeout: 60_000 },
  async () => {
    const [clinic, thread] = await longThread();
    for (let round = 0; round < 30; round++) {
      thread.scrollTop -= 1500;
      await frame();
    }
    await pause(400);
    const row = read(thread);
    const [id, top] = [row.dataset.messageId, topOf(row)];
    for (let round = 0; round < 4; round++) {
      arrive(clinic, 90);
      await pause(150);
      const same = drawn(thread).find((each) => each.dataset.messageId === id);
      expect(Math.abs(topOf(same!) - top), `after ${(round + 1) * 90} new ones`).toBeLessThan(1);
    }
    // Through the seam, where the living piece of the thread began before.
    const messages = clinic.messages.get('conv-0')!;
    for (const back of [861, 860, 859, 501, 500, 499]) {
      const wanted = messages.at(-back)!.id;
      location.hash = `#/inbox/all/conv-0/${wanted}`;
      await waitFor(() => expect(document.querySelector(`[data-message-id="${wanted}"]`)).not.toBeNull(), {
        timeout: 5000,
      });
    }
  },
);

test(
  'the first unread message is gone to, however far it has to be read back',
  { timeout: 60_000 },
  async () => {
    const clinic = open({ long: 4000 }, '#/inbox/all');
    clinic.conversations[0]!.unread_count = 700;
    const first = clinic.messages
      .get('conv-0')!
      .filter(({ direction }) => direction === 'inbound')
      .at(-700)!;
    location.hash = '#/inbox/all/conv-0';
    expect((await screen.findByTestId('first-unread')).textContent).toContain('700');
    await pause(300);
    await fireEvent.keyDown(window, { key: 'o' });
    const line = await screen.findByTestId('unread-line', undefined, { timeout: 20_000 });
    expect(line.textContent).toContain('700');
    const thread = screen.getByTestId('thread');
    await waitFor(() => {
      // It may have left the page and come again meanwhile.
      const [top, edge] = [topOf(screen.getByTestId('unread-line')), topOf(thread)];
      expect(top).toBeGreaterThanOrEqual(edge - 1);
      expect(top).toBeLessThan(edge + thread.clientHeight);
    });
    expect(document.querySelector(`[data-message-id="${first.id}"]`)).not.toBeNull();
  },
);

test('a thread that grows at its ends is laid out as if it were made anew', () => {
  const all = new FakeClinic().messages.get('conv-0')!;
  const unread = { id: all.at(-9)!.id, count: 9 };
  const layout = new Layout();
  let [from, until] = [120, 140];
  for (const [up, down] of [
    [0, 0],
    [1, 0],
    [0, 1],
    [37, 0],
    [0, 55],
    [60, 20],
    [0, 0],
    [22, 44],
  ] as const) {
    from = Math.max(0, from - up);
    until = Math.min(all.length, until + down);
    const now = all.slice(from, until);
    // One in the middle says something else by now.
    now[5] = { ...now[5]!, body: `${now[5]!.body}.` };
    expect(layout.of(now, unread)).toEqual(withDays(now, unread));
  }
});

test('what newer messages push out is told, and when nobody knows what is between', () => {
  const all = new FakeClinic().messages.get('conv-0')!;
  expect(pushedOut(all.slice(0, 100), all.slice(3, 103))).toEqual(all.slice(0, 3));
  expect(pushedOut(all.slice(50, 100), all.slice(0, 100)), 'it grew upwards').toEqual([]);
  expect(pushedOut([], all.slice(0, 10))).toEqual([]);
  expect(pushedOut(all.slice(0, 100), all.slice(150, 250))).toBeUndefined();
});

test.each(['America/Sao_Paulo', 'America/New_York', 'Africa/Cairo', 'Asia/Kathmandu', 'Pacific/Kiritimati'])(
  'every instant has its calendar day in %s, also where clocks are changed at midnight',
  (name) => {
    zone.current = name;
    // From before the last summer time of São Paulo to after the first of a later year, in steps that are no whole hours.
    for (let at = Date.UTC(2018, 9, 1); at < Date.UTC(2019, 11, 1); at += 2_777_000) {
      const instant = new Date(at);
      expect(dayOf(instant).toString()).toBe(toCalendarDate(fromDate(instant, name)).toString());
    }
  },
);
