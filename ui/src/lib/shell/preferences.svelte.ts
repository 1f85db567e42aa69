import { call, subscribe, type Preferences } from '$lib/bridge';
import { locale } from '$lib/i18n/locale.svelte';
import { toastProblem } from './toasts.svelte';

let current = $state.raw<Preferences>({
  locale: 'pt-BR',
  theme: 'system',
  saved_views: [],
  send_key: 'enter',
  recent_emoji: [],
  notifications: { on: true, of: 'mine_and_nobodys', with: 'name', sound: true, quiet: null },
  emoji_tone: 0,
});
const dark = matchMedia('(prefers-color-scheme: dark)');

function apply(preferences: Preferences): void {
  current = preferences;
  locale.current = preferences.locale;
  const isDark = preferences.theme === 'dark' || (preferences.theme === 'system' && dark.matches);
  document.documentElement.dataset.theme = isDark ? 'dark' : 'light';
}

dark.addEventListener('change', () => apply(current));

export const preferences = {
  get current(): Preferences {
    return current;
  },
};

/** Takes the preferences from the program and keeps following them. */
export async function followPreferences(): Promise<void> {
  apply(current);
  const ask = async () => apply(await call('get_preferences', {}));
  subscribe((what) => {
    if ('reset' in what || what.topics.includes('preferences')) void ask().catch(() => undefined);
  });
  // Without an answer the defaults stay: the session will say what is wrong.
  await ask().catch(() => undefined);
}

/** Changes some of them. */
export async function prefer(change: Partial<Preferences>): Promise<void> {
  try {
    apply(await call('set_preferences', { ...current, ...change }));
  } catch (thrown) {
    toastProblem(thrown);
  }
}
