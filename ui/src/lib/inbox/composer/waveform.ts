/** Values of a waveform, as WhatsApp shows it. */
const most = 64;

/** How loud something was from beginning to end: at most 64 values, the loudest 100. Empty for silence. */
export function waveformOf(levels: readonly number[]): number[] {
  const loudest = Math.max(0, ...levels);
  if (loudest === 0) return [];
  const count = Math.min(most, levels.length);
  return Array.from({ length: count }, (_, at) => {
    const from = Math.floor((at * levels.length) / count);
    const until = Math.max(from + 1, Math.floor(((at + 1) * levels.length) / count));
    return Math.round((Math.max(...levels.slice(from, until)) / loudest) * 100);
  });
}
