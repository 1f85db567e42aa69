import { m } from '$paraglide/messages';
import { toast } from './toasts.svelte';

/** Puts a text where it can be pasted from, and says so in these words. */
export async function copyText(text: string, said: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast(said);
  } catch {
    // The system keeps its clipboard from programs that are not in front.
    toast(m.not_copied(), { tone: 'failure' });
  }
}
