import { expect, test } from 'vitest';
import { kept } from '$lib/bridge/kept';

const row = (id: string, body: string) => ({ id, body, reactions: [{ emoji: '👍', from_me: false }] });

test('an answer that says the same is the old one', () => {
  const before = { rows: [row('a', 'oi'), row('b', 'bom dia')], total: 2, person: null };
  expect(kept(before, structuredClone(before))).toBe(before);
});

test('rows that say the same stay, also where others came before them', () => {
  const before = [row('a', 'oi'), row('b', 'bom dia')];
  const now = kept(before, [row('c', 'novo'), row('a', 'oi'), row('b', 'boa tarde')]);
  expect(now).not.toBe(before);
  expect(now[1]).toBe(before[0]);
  expect(now[2]).toEqual(row('b', 'boa tarde'));
  expect(now[2]?.reactions).toBe(before[1]?.reactions);
});

test('what went away is gone', () => {
  const before = [row('a', 'oi'), row('b', 'bom dia')];
  expect(kept(before, [row('b', 'bom dia')])).toEqual([before[1]]);
  expect(kept({ name: 'Ana', phone: '9' }, { name: 'Ana' })).toEqual({ name: 'Ana' });
  expect(kept({ name: 'Ana' }, { name: undefined })).toEqual({ name: undefined });
  expect(kept([1, 2], { 0: 1, 1: 2 })).toEqual({ 0: 1, 1: 2 });
  expect(kept({ rows: [1] }, { rows: null })).toEqual({ rows: null });
});
