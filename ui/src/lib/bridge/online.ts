import { call, subscribe } from './index';

/** Runs once when the clinic's database answers and the copy is complete. Returns a way to call it off. */
export function onceOnline(then: () => void): () => void {
  let over = false;
  const look = async () => {
    const status = await call('get_status', {}).catch(() => undefined);
    if (over || status?.connection !== 'online' || status.first_copy) return;
    stop();
    then();
  };
  const off = subscribe((what) => {
    if ('reset' in what || what.topics.includes('status')) void look();
  });
  const stop = () => {
    over = true;
    off();
  };
  void look();
  return stop;
}
