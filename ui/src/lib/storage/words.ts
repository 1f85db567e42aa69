import { m } from '$paraglide/messages';
import type { BucketTrialStep, BucketWish } from '$lib/bridge';

/** Days after which files may go to the bucket, as they are offered. */
export const usualDays = [0, 7, 30, 90, 365];

/** When files go there. */
export const goes = (days: number): string =>
  days === 0 ? m.storage_at_once() : m.storage_after({ count: days });

/** A bucket before anything was typed. */
export const usual: BucketWish = { endpoint: '', bucket: '', region: 'us-east-1', after_days: 30 };

/** The server of a bucket, as people know it. */
export function host(endpoint: string): string {
  return URL.canParse(endpoint) ? new URL(endpoint).host : endpoint;
}

const names: Record<string, () => string> = {
  name: m.storage_step_name,
  tls: m.storage_step_tls,
  key: m.storage_step_key,
  write: m.storage_step_write,
  read: m.storage_step_read,
  delete: m.storage_step_delete,
};

/** What a step of a trial looks at. */
export const stepName = (step: BucketTrialStep): string => names[step.step]?.() ?? step.step;

/** How far a step is, where nothing else is to be said of it. */
export const stepState = (state: string): string =>
  ({
    waiting: m.doctor_waiting(),
    running: m.doctor_running(),
    ok: m.doctor_ok(),
    failed: m.doctor_failed(),
    not_reached: m.doctor_not_reached(),
  })[state] ?? state;

/** What was seen at a step that was taken. */
export function stepSeen(step: BucketTrialStep): string {
  switch (step.step) {
    case 'name':
      return m.storage_seen_name({ host: step.seen ?? '' });
    case 'tls':
      return step.seen === 'loopback' ? m.channel_seen_tls_loopback() : m.channel_seen_tls();
    case 'key':
      return m.storage_seen_key();
    case 'write':
      return m.storage_seen_write();
    case 'read':
      return m.storage_seen_read();
    default:
      return m.storage_seen_delete();
  }
}
