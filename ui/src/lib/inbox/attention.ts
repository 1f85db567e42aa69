import { call } from '$lib/bridge';

/**
 * Tells the program which thread somebody has before their eyes, until the returned function is called: what arrives
 * there needs no notice.
 */
export function tellAttention(thread: string): () => void {
  let told: string | null = null;
  const say = (seen: string | null) => {
    if (seen === told) return;
    told = seen;
    void call('note_attention', { conversation_id: seen }).catch(() => undefined);
  };
  const tell = () => say(!document.hidden && document.hasFocus() ? thread : null);
  window.addEventListener('focus', tell);
  window.addEventListener('blur', tell);
  document.addEventListener('visibilitychange', tell);
  tell();
  return () => {
    window.removeEventListener('focus', tell);
    window.removeEventListener('blur', tell);
    document.removeEventListener('visibilitychange', tell);
    say(null);
  };
}
