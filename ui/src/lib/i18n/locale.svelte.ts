import type { Locale } from '$lib/bridge';
import { overwriteGetLocale } from '$paraglide/runtime';

let current = $state<Locale>('pt-BR');

// Messages read this state, so the screens speak the new language without being loaded again.
overwriteGetLocale(() => current);

export const locale = {
  get current(): Locale {
    return current;
  },
  set current(next: Locale) {
    current = next;
    document.documentElement.lang = next;
  },
  /** The tag for Intl: English here writes days before months, as everything else in the clinic does. */
  get intl(): string {
    return current === 'en' ? 'en-GB' : 'pt-BR';
  },
};
