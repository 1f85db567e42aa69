import Clock from '@lucide/svelte/icons/clock';
import { call } from '$lib/bridge';
import { clock } from '$lib/i18n/clock.svelte';
import { dayTime } from '$lib/i18n/format';
import { dayOf, instantOf } from '$lib/i18n/zone.svelte';
import { readMoment } from '$lib/shell/dates';
import { m } from '$paraglide/messages';
import type { Option } from './option';

const names: Record<string, () => string> = {
  hour: m.snooze_hour,
  afternoon: m.snooze_afternoon,
  tomorrow: m.snooze_tomorrow,
  monday: m.snooze_monday,
};

/** Times that are often wanted, to choose from. */
export async function offeredMoments(): Promise<Option[]> {
  const { times } = await call('get_snooze_times', {});
  return times.map((time) => ({
    id: time.at,
    name: names[time.name]?.() ?? time.name,
    hint: dayTime(time.at),
    icon: Clock,
  }));
}

/** A day and a time to come that were typed: "amanhã 14h", "24/11 9:30", "sexta". */
export function typedMoment(text: string): Option[] {
  const moment = readMoment(text, dayOf(clock.now));
  if (!moment) return [];
  const at = instantOf(moment);
  return Date.parse(at) > clock.now.getTime() ? [{ id: at, name: dayTime(at), icon: Clock }] : [];
}
