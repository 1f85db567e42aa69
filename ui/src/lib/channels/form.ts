import type { ChannelDetails, ChannelKeys, ChannelWish } from '$lib/bridge';

/** A connection as it is usually made. */
export const usual: ChannelWish = {
  name: '',
  kind: 'evolution',
  url: '',
  instance: '',
  relay_url: null,
  ca_pem: null,
  per_instance: false,
  pace: 'calm',
  daily_cap: 400,
  typing: true,
  read_receipts: false,
};

/** Where Meta answers. */
export const graph = 'https://graph.facebook.com/v23.0';

/** What was typed as keys; nothing where nothing was. */
export const typedKeys = (key: string, relay: string, kind: string): ChannelKeys | null =>
  key.trim() ? { key: key.trim(), relay_key: kind === 'cloud_api' ? relay.trim() || null : null } : null;

/** Whether something that decides how the gateway is reached is otherwise than it is kept. */
export function reachedOtherwise(wish: ChannelWish, channel: ChannelDetails | undefined): boolean {
  if (!channel) return true;
  const kept = channel.wish;
  return (
    wish.url.trim() !== kept.url ||
    wish.instance.trim() !== kept.instance ||
    (wish.relay_url?.trim() ?? '') !== (kept.relay_url ?? '') ||
    (wish.ca_pem?.trim() ?? '') !== (kept.ca_pem ?? '') ||
    wish.per_instance !== kept.per_instance
  );
}
