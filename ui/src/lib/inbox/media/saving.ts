import { call } from '$lib/bridge';
import { toast, toastProblem } from '$lib/shell/toasts.svelte';
import { m } from '$paraglide/messages';

/** Saves the file of a message where downloads go, and says where that is. */
export async function saveFile(message: string): Promise<void> {
  try {
    const { path } = await call('save_media', { message_id: message });
    toast(m.media_saved({ path }));
  } catch (thrown) {
    toastProblem(thrown);
  }
}

/** Has a file fetched from the gateway once more. */
export async function fetchAgain(message: string): Promise<void> {
  try {
    const { wanted } = await call('fetch_media', { message_id: message });
    if (!wanted) toast(m.media_nothing_to_fetch());
  } catch (thrown) {
    toastProblem(thrown);
  }
}
