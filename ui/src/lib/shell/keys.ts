/** What a key does on the screen that is shown; `false` says that it was not meant. */
export type Keys = Record<string, (event: KeyboardEvent) => void | boolean>;

const stack: Keys[] = [];

/** Makes keys work until the returned function is called. A screen's own come before those that work everywhere. */
export function onKeys(keys: Keys, everywhere = false): () => void {
  if (everywhere) stack.unshift(keys);
  else stack.push(keys);
  return () => {
    const at = stack.indexOf(keys);
    if (at >= 0) stack.splice(at, 1);
  };
}

function nameOf(event: KeyboardEvent): string {
  const held = `${event.ctrlKey || event.metaKey ? 'Ctrl+' : ''}${event.altKey ? 'Alt+' : ''}`;
  return held + (event.key.length === 1 ? event.key.toLowerCase() : event.key);
}

const writes = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

const layerOpen = (): boolean =>
  document.querySelector(
    '[role=dialog][data-state=open], [data-popover-content][data-state=open], [role=menu][data-state=open], [role=listbox][data-state=open]',
  ) !== null;

window.addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.isComposing) return;
  const name = nameOf(event);
  const held = event.ctrlKey || event.metaKey;
  // What is being typed is not a command; what lies on top has its own keys.
  if (!held && (writes(event.target) || layerOpen())) return;
  if (held && layerOpen() && name !== 'Ctrl+k') return;
  for (const keys of [...stack].reverse()) {
    const act = keys[name];
    if (act && act(event) !== false) {
      event.preventDefault();
      return;
    }
  }
});
