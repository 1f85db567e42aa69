import { m } from '$paraglide/messages';
import { locale } from './locale.svelte';

const unit = (value: number, name: 'minute' | 'hour' | 'day'): string =>
  new Intl.NumberFormat(locale.intl, { style: 'unit', unit: name, unitDisplay: 'long' }).format(value);

/** How long something will still take, as exact as it can be known: poucos segundos, cerca de 2 minutos. */
export function timeLeft(seconds: number): string {
  if (seconds < 15) return m.time_left_seconds();
  if (seconds < 50) return m.time_left_minute();
  const minutes = Math.max(1, Math.round(seconds / 60));
  return m.time_left({
    time: minutes < 60 ? unit(minutes, 'minute') : unit(Math.round(minutes / 60), 'hour'),
  });
}

/** By how much a clock is wrong: 2 minutos, 3 horas, 3 horas e 20 minutos, 2 dias. */
export function offBy(seconds: number): string {
  const minutes = Math.max(1, Math.round(Math.abs(seconds) / 60));
  if (minutes < 60) return unit(minutes, 'minute');
  if (minutes >= 48 * 60) return unit(Math.round(minutes / 1440), 'day');
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  const parts = rest === 0 ? [unit(hours, 'hour')] : [unit(hours, 'hour'), unit(rest, 'minute')];
  return new Intl.ListFormat(locale.intl, { type: 'conjunction' }).format(parts);
}
