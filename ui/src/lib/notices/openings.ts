import { subscribe } from '$lib/bridge';
import { go, route } from '$lib/shell/router.svelte';

/** Goes where somebody wants to be who has clicked outside the window, until the returned function is called. */
export function followOpenings(): () => void {
  return subscribe((what) => {
    if (!what.opening) return;
    const thread = what.opening.conversation_id ?? undefined;
    // A thread is opened beside the list that is there; whoever asks for none wants to see those that wait.
    const view = (thread && route.screen === 'inbox' && route.parts[0]) || 'needs_reply';
    go('inbox', [view, thread]);
  });
}
