import { readFileSync } from 'node:fs';
import type { Plugin } from 'vite';

interface Listed {
  emoji: string;
  label: string;
  tags?: string[];
  group?: number;
  order?: number;
  version: number;
  skins?: { emoji: string; tone: number | number[] }[];
}

/** What older systems have no picture for is left out. */
const newest = 15;
/** Parts of others: skin tones, hair. */
const parts = 2;

/** The five tones of skin; where several people are shown, all of them have it. */
function tones(skins: Listed['skins']): string[] | undefined {
  const all = skins ?? [];
  const of = (tone: number) => all.find((skin) => [skin.tone].flat().every((each) => each === tone))?.emoji;
  const found = [1, 2, 3, 4, 5].flatMap((tone) => of(tone) ?? []);
  return found.length === 5 ? found : undefined;
}

/** The published list of emoji, cut down to what the screens show: `emojibase-data/pt/data.json?emoji`. */
export function emojiList(): Plugin {
  return {
    name: 'emoji-list',
    enforce: 'pre',
    async resolveId(id, importer) {
      if (!id.endsWith('/data.json?emoji')) return null;
      const found = await this.resolve(id.replace('?emoji', ''), importer, { skipSelf: true });
      // Under an ending that no other plugin takes for its own.
      return found && `\0${found.id}.emoji`;
    },
    load(id) {
      if (!id.startsWith('\0') || !id.endsWith('.json.emoji')) return null;
      const listed = JSON.parse(readFileSync(id.slice(1, -'.emoji'.length), 'utf8')) as Listed[];
      const shown = listed
        .filter((each) => each.group !== undefined && each.group !== parts && each.version <= newest)
        .sort((one, other) => (one.order ?? 0) - (other.order ?? 0))
        .map(({ emoji, label, tags, group, skins }) => [
          emoji,
          group,
          label,
          (tags ?? []).join(' '),
          ...[tones(skins)].filter(Boolean),
        ]);
      return `export default JSON.parse(${JSON.stringify(JSON.stringify(shown))})`;
    },
  };
}
