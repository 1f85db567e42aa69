import { CalendarDate } from '@internationalized/date';
import { expect, test } from 'vitest';
import pt from '../messages/pt-BR.json';
import en from '../messages/en.json';
import { shownHours } from '../src/lib/agenda/grid';
import { stepped } from '../src/lib/agenda/neighbour';
import { clock } from '../src/lib/i18n/clock.svelte';
import { day, dayTime, longDay, money, time } from '../src/lib/i18n/format';
import { locale } from '../src/lib/i18n/locale.svelte';
import { zone } from '../src/lib/i18n/zone.svelte';
import { readDay } from '../src/lib/shell/dates';

// The words are of a day in November of 2026, whenever they are tested.
clock.ahead = Date.now() - Date.parse('2026-11-24T15:00:00Z');

test('a day of another year says of which', () => {
  expect(day('2025-11-24T17:30:00Z')).toBe('24/11/2025 (seg)');
  expect(longDay(new CalendarDate(2024, 3, 5))).toBe('terça-feira, 5 de março de 2024');
  expect(longDay(new CalendarDate(2026, 3, 5))).toBe('quinta-feira, 5 de março');
});

test('times, days and money are said the Brazilian way, in the clinic’s zone', () => {
  zone.current = 'America/Sao_Paulo';
  expect(time('2026-11-24T17:30:00Z')).toBe('14:30');
  expect(day('2026-11-25T01:30:00Z')).toBe('24/11 (ter)');
  expect(money(18_000)).toBe('R$\u00a0180,00');
  zone.current = 'America/Manaus';
  expect(dayTime('2026-11-24T17:30:00Z')).toBe('24/11 (ter) 13:30');
  zone.current = 'America/Sao_Paulo';
});

test('English keeps days before months', () => {
  locale.current = 'en';
  expect(day('2026-11-24T17:30:00Z')).toBe('24/11 (Tue)');
});

test('English is a full translation', () => {
  expect(Object.keys(en).sort()).toEqual(Object.keys(pt).sort());
  for (const words of [pt, en]) expect(JSON.stringify(words), 'no exclamation marks').not.toContain('!');
});

test.each([
  ['hoje', '2026-11-21'],
  ['amanhã', '2026-11-22'],
  ['amanha', '2026-11-22'],
  ['tomorrow', '2026-11-22'],
  ['terça', '2026-11-24'],
  ['sáb', '2026-11-28'],
  ['24/11', '2026-11-24'],
  ['05/01', '2027-01-05'],
  ['3/2/2027', '2027-02-03'],
  ['31/02', undefined],
  ['maria', undefined],
])('“%s” on a Saturday in November means %s', (text, meant) => {
  expect(readDay(text, new CalendarDate(2026, 11, 21))?.toString()).toBe(meant);
});

test('stepping past the last column of a week goes to the next day', () => {
  const from = { startsAt: '2026-11-24T17:30:00Z', endsAt: '2026-11-24T18:00:00Z', professional: 'b' };
  expect(stepped(from, 'ArrowRight', ['a', 'b'], true)).toEqual({
    startsAt: '2026-11-25T17:30:00Z',
    endsAt: '2026-11-25T18:00:00Z',
    professional: 'a',
  });
  expect(stepped(from, 'ArrowRight', ['a', 'b'], false), 'a day has no next column').toEqual(from);
});

test('an early visit widens the hours that are shown', () => {
  const agenda = {
    time_zone: 'America/Sao_Paulo',
    from: '2026-11-24',
    days: 1,
    coverage: 'whole' as const,
    professionals: [],
    visits: [],
    closures: [],
    working_hours: [
      { professional_id: 'a', starts_at: '2026-11-24T09:30:00Z', ends_at: '2026-11-24T22:15:00Z' },
    ],
  };
  expect(shownHours(agenda)).toEqual({ from: 6, to: 20 });
});
