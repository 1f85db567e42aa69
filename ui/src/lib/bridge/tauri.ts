import { invoke, isTauri } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';
import type { Change } from './bindings';
import type { Transport } from './transport';

/** Whether the screens stand in the program's own window. */
export const inWindow = isTauri;

/** The program's own window. */
export const window: Transport = {
  call: (command, payload) => invoke('call', { command, payload }),
  listen(heard) {
    const stop = listen<Change>('change', (event) => heard(event.payload));
    // Whatever changed before the listener stood would be missed otherwise.
    void stop.then(() => heard({ reset: true }));
    return () => void stop.then((unlisten) => unlisten());
  },
};
