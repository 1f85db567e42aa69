import { call, type BookAppointment } from '$lib/bridge';
import { dayTime } from '$lib/i18n/format';
import { toast, toastProblem } from '$lib/shell/toasts.svelte';
import { m } from '$paraglide/messages';
import { takeFromDraft } from '../drafts.svelte';

/** Books a visit and offers to take it back. Resolves to the text that confirms it to the person. */
export async function book(wanted: BookAppointment, patient: string): Promise<string> {
  const { appointment_id, text, patient_added } = await call('book_appointment', wanted);
  toast(m.booked({ name: patient, when: dayTime(wanted.starts_at) }), {
    act: {
      label: m.undo(),
      run: () =>
        void call('undo_booking', { appointment_id, patient_added }).then(() => {
          takeFromDraft(wanted.conversation_id, text);
          toast(m.booking_undone({ name: patient }));
        }, toastProblem),
    },
  });
  return text;
}
