/** Without capitals and accents. */
export const plain = (text: string): string => text.toLowerCase().normalize('NFD').replace(/\p{M}/gu, '');

/** A text in pieces, with what was searched for marked: accents and capitals do not matter, nor what stands between digits. */
export function highlight(text: string, wanted: string): { text: string; found: boolean }[] {
  const digits = wanted.replace(/\D/g, '');
  const phone = digits.length >= 3 && !/\p{L}/u.test(wanted);
  const needle = phone ? digits : plain(wanted.trim());
  if (!needle) return [{ text, found: false }];
  // Each letter of the folded text remembers which letter of the shown one it comes from.
  const letters = [...text];
  let folded = '';
  const from: number[] = [];
  for (const [at, letter] of letters.entries()) {
    const kept = phone ? letter.replace(/\D/g, '') : plain(letter);
    for (const each of kept) {
      folded += each;
      from.push(at);
    }
  }
  const start = folded.indexOf(needle);
  if (start < 0) return [{ text, found: false }];
  const first = from[start] ?? 0;
  const last = (from[start + needle.length - 1] ?? first) + 1;
  return [
    { text: letters.slice(0, first).join(''), found: false },
    { text: letters.slice(first, last).join(''), found: true },
    { text: letters.slice(last).join(''), found: false },
  ].filter((piece) => piece.text);
}
