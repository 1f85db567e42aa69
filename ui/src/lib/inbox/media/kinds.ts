import type { MessageRow } from '$lib/bridge';

/** What a screen can show; everything else is saved. */
const faces: Record<string, 'picture' | 'sound' | 'film'> = {
  'image/jpeg': 'picture',
  'image/png': 'picture',
  'image/webp': 'picture',
  'image/gif': 'picture',
  'audio/ogg': 'sound',
  'audio/mp4': 'sound',
  'audio/mpeg': 'sound',
  'audio/wav': 'sound',
  'video/mp4': 'film',
  'video/3gpp': 'film',
};

/** Whether the bytes are at hand, or can be had. */
export const isHere = ({ attachment }: MessageRow): boolean =>
  attachment?.file === 'stored' || attachment?.file === 'uploading';

/** How a file is shown that is here: by what it is, not by what its message claims. */
export const faceOf = ({ attachment }: MessageRow): 'picture' | 'sound' | 'film' | 'paper' =>
  faces[attachment?.mime_type?.split(';')[0] ?? ''] ?? 'paper';

/** What the viewer goes through: pictures and films of a thread, but no stickers. */
export const canBeViewed = (message: MessageRow): boolean =>
  isHere(message) &&
  !message.revoked &&
  message.kind !== 'sticker' &&
  (faceOf(message) === 'picture' || faceOf(message) === 'film');
