import { call } from '$lib/bridge';

/** Between two words about somebody being there; the shortest lock is 5 minutes. */
const pause = 20_000;

/** Tells the program that somebody is at the screens, until the returned function is called. */
export function tellPresence(): () => void {
  let told = 0;
  const tell = () => {
    if (Date.now() - told < pause) return;
    told = Date.now();
    void call('note_presence', {}).catch(() => undefined);
  };
  const signs = ['pointerdown', 'pointermove', 'keydown', 'wheel'] as const;
  for (const sign of signs) window.addEventListener(sign, tell, { passive: true, capture: true });
  tell();
  return () => {
    for (const sign of signs) window.removeEventListener(sign, tell, { capture: true });
  };
}
