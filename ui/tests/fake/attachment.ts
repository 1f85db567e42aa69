import type { Attachment } from '../../src/lib/bridge/bindings';

/** What a message carries of which nothing is known. */
export const nothing: Attachment = {
  mime_type: null,
  file_name: null,
  size_bytes: null,
  file: null,
  width: null,
  height: null,
  thumbnail: null,
  seconds: null,
  latitude: null,
  longitude: null,
  title: null,
  original_kind: null,
  address: null,
  live: null,
  voice: null,
  waveform: [],
  removed_at: null,
  kept_months: null,
  description: null,
  options: [],
  votes: [],
  cards: [],
};
