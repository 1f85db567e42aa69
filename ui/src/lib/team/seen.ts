import { m } from '$paraglide/messages';
import { clock } from '$lib/i18n/clock.svelte';
import { locale } from '$lib/i18n/locale.svelte';

const minute = 60_000;

/** When a computer was last here: agora, há 40 minutos, ontem, há 3 dias. It says so about every ten minutes. */
export function lastSeen(instant: string | null): string {
  if (instant === null) return m.team_seen_never();
  const minutes = Math.floor((clock.now.getTime() - Date.parse(instant)) / minute);
  if (minutes < 15) return m.team_seen_now();
  const ago = new Intl.RelativeTimeFormat(locale.intl, { numeric: 'auto' });
  if (minutes < 90) return ago.format(-minutes, 'minute');
  if (minutes < 36 * 60) return ago.format(-Math.round(minutes / 60), 'hour');
  return ago.format(-Math.round(minutes / 1440), 'day');
}

const roles: Record<string, () => string> = {
  owner: m.role_owner_text,
  admin: m.role_admin_text,
  attendant: m.role_attendant_text,
  professional: m.role_professional_text,
  viewer: m.role_viewer_text,
};

/** What a role may do, in one line. */
export const roleText = (role: string): string => roles[role]?.() ?? '';
