import type { MessageRow } from '$lib/bridge';
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

/** What the gateway calls kinds that are not shown, and what they are; the first that fits. */
const others: [RegExp, () => string][] = [
  [/^placeholder$/, m.other_placeholder],
  [/call/i, m.other_call],
  [/viewonce/i, m.other_view_once],
  [/payment|invoice/i, m.other_payment],
  [/order|product|catalog/i, m.other_order],
  [/groupinvite/i, m.other_invitation],
  [/event/i, m.other_event],
  [/^(pin|keep)inchat/i, m.other_pin],
  [/^pollupdate/i, m.other_vote],
];

/** Whether a message is a vote in a poll. */
export const isVote = (message: MessageRow): boolean =>
  message.kind === 'unsupported' && /^pollupdate/i.test(message.attachment?.original_kind ?? '');

/** What a message is whose kind is not shown; absent where nobody knows. */
export const otherKind = (original: string): string | undefined =>
  others.find(([pattern]) => pattern.test(original))?.[1]();

const failures: Record<string, () => string> = {
  not_on_whatsapp: m.failed_not_on_whatsapp,
  no_address: m.failed_no_address,
  outside_the_day: m.failed_outside_the_day,
  blocked: m.failed_blocked,
  person_blocked: m.failed_person_blocked,
  cancelled: m.failed_cancelled,
  too_many: m.failed_too_many,
  content: m.failed_content,
  too_large: m.failed_too_large,
  key_refused: m.failed_connection,
  no_instance: m.failed_connection,
  licence_required: m.failed_licence,
  account: m.failed_account,
  unsupported: m.failed_unsupported,
  gateway_unreachable: m.failed_unreachable,
  taken_over: m.failed_unreachable,
};

/** Why a message was not sent, in our words; else in those of the gateway. */
export const whyNotSent = ({
  error_code,
  error_text,
}: Pick<MessageRow, 'error_code' | 'error_text'>): string | undefined =>
  (error_code ? failures[error_code]?.() : undefined) ?? error_text ?? undefined;
