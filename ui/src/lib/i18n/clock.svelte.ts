let now = $state.raw(new Date());
let ahead = $state.raw(0);

/**
 * The present, for what is said on the screens: it ticks when the minute turns. Told by the clinic's server, as far as it
 * is known: what is compared with it was written there.
 */
export const clock = {
  get now(): Date {
    return now;
  },
  /** Milliseconds by which this computer's clock is ahead of the server's. */
  get ahead(): number {
    return ahead;
  },
  set ahead(next: number) {
    if (next === ahead) return;
    ahead = next;
    look();
  },
};

function look(): void {
  now = new Date(Date.now() - ahead);
}

function tick(): void {
  look();
  setTimeout(tick, 60_000 - (now.getTime() % 60_000) + 20);
}
tick();

// After sleep the timer is late; the first look at the window should not show an old time.
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') look();
});
