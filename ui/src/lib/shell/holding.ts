/**
 * Keeps the section under the pointer, or with the focus, where it stands while others above it grow. Without either it is
 * the first one in sight.
 */
export function holding(scroller: HTMLElement): () => void {
  let held: Element | undefined;
  let top = 0;

  const stands = (section: Element): number => section.getBoundingClientRect().top;
  const firstInSight = (): Element | undefined =>
    [...scroller.querySelectorAll('section')].find(
      (section) => section.getBoundingClientRect().bottom > stands(scroller),
    );

  function remember() {
    if (!held?.isConnected) held = firstInSight();
    if (held) top = stands(held);
  }

  function hold({ target }: Event) {
    const section = target instanceof Element ? target.closest('section') : null;
    if (!section || !scroller.contains(section)) return;
    held = section;
    remember();
  }

  function scrolled() {
    // What has gone out of sight is nobody's concern.
    if (held && held.getBoundingClientRect().bottom < stands(scroller)) held = undefined;
    remember();
  }

  const sizes = new ResizeObserver(() => {
    const moved = held?.isConnected ? stands(held) - top : 0;
    if (moved !== 0) scroller.scrollTop += moved;
    remember();
  });

  scroller.addEventListener('pointerover', hold);
  scroller.addEventListener('focusin', hold);
  scroller.addEventListener('scroll', scrolled, { passive: true });
  for (const content of scroller.children) sizes.observe(content);
  return () => {
    sizes.disconnect();
    scroller.removeEventListener('pointerover', hold);
    scroller.removeEventListener('focusin', hold);
    scroller.removeEventListener('scroll', scrolled);
  };
}
