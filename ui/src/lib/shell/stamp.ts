import { mount, unmount, untrack, type Component } from 'svelte';
import type { Attachment } from 'svelte/attachments';

type Icon = Component<{ size?: number }>;

const drawn = new Map<Icon, Map<number, Element>>();

/** The icon as the library draws it, kept to be copied. */
function original(icon: Icon, size: number): Element {
  const sizes = drawn.get(icon) ?? new Map<number, Element>();
  drawn.set(icon, sizes);
  const known = sizes.get(size);
  if (known) return known;
  const target = document.createElement('span');
  const made = untrack(() => mount(icon, { target, props: { size } }));
  const svg = target.querySelector('svg')!.cloneNode(true) as Element;
  void unmount(made);
  sizes.set(size, svg);
  return svg;
}

/**
 * Puts an icon into an element. For rows of which many come in a frame: drawing an icon costs more than the rest of such a
 * row, and copying one that was drawn costs nearly nothing.
 */
export function stamp(icon: Icon, size: number): Attachment {
  return (node) => {
    const copy = original(icon, size).cloneNode(true) as Element;
    node.append(copy);
    return () => copy.remove();
  };
}
