import { m } from '$paraglide/messages';

const names: Record<string, () => string> = {
  image: m.kind_image,
  audio: m.kind_audio,
  video: m.kind_video,
  document: m.kind_document,
  sticker: m.kind_sticker,
  location: m.kind_location,
  contact: m.kind_contact,
  poll: m.kind_poll,
  template: m.kind_template,
  button_reply: m.kind_choice,
  list_reply: m.kind_choice,
};

/** What a message without text is called. */
export const kindName = (kind: string): string => names[kind]?.() ?? m.kind_unsupported();
