export type Screen = 'inbox' | 'agenda' | 'leads' | 'settings';

const screens: readonly Screen[] = ['inbox', 'agenda', 'leads', 'settings'];

interface Place {
  screen: Screen;
  /** What follows the screen's name: a view and a conversation, a day. */
  parts: string[];
}

function read(): Place {
  const [name, ...parts] = location.hash
    .replace(/^#\/?/, '')
    .split('/')
    .filter(Boolean)
    .map(decodeURIComponent);
  const screen = screens.find((known) => known === name) ?? 'inbox';
  lastParts[screen] = parts;
  return { screen, parts };
}

const lastParts: Partial<Record<Screen, string[]>> = {};
let place = $state.raw<Place>(read());

window.addEventListener('hashchange', () => (place = read()));

/** Where the person is. */
export const route = {
  get screen(): Screen {
    return place.screen;
  },
  get parts(): string[] {
    return place.parts;
  },
};

/** Goes to a screen. `quiet` leaves no step behind: moving through a list is not a journey. */
export function go(screen: Screen, parts: (string | undefined)[] = [], quiet = false): void {
  const path = `#/${[screen, ...parts.filter((part) => part !== undefined)].map(encodeURIComponent).join('/')}`;
  if (path === location.hash) return;
  if (quiet) history.replaceState(history.state, '', path);
  else history.pushState(null, '', path);
  place = read();
}

/** Comes back to a screen where it was left. */
export const comeBack = (screen: Screen): void => go(screen, lastParts[screen] ?? []);
