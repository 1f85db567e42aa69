let now = $state.raw(new Date());

/** The present, for what is said on the screens: it ticks when the minute turns. */
export const clock = {
  get now(): Date {
    return now;
  },
};

function tick(): void {
  now = new Date();
  setTimeout(tick, 60_000 - (now.getTime() % 60_000) + 20);
}
tick();

// After sleep the timer is late; the first look at the window should not show an old time.
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') now = new Date();
});
