import { whatHappened, whatToDo } from '$lib/i18n/problems';
import { asApiError } from '$lib/bridge';

export interface Toast {
  id: number;
  text: string;
  /** Failures interrupt a screen reader, news do not. */
  tone: 'news' | 'failure';
  act?: { label: string; run: () => void };
}

let next = 1;
let shown = $state.raw<Toast[]>([]);
const timers = new Map<number, ReturnType<typeof setTimeout>>();

export const toasts = {
  get shown(): Toast[] {
    return shown;
  },
};

/** Says something at the lower edge; gone after eight seconds. */
export function toast(text: string, options: Partial<Pick<Toast, 'tone' | 'act'>> = {}): number {
  const id = next++;
  shown = [...shown.slice(-2), { id, text, tone: 'news', ...options }];
  wait(id);
  return id;
}

/** Says what a command was refused for. */
export function toastProblem(thrown: unknown): void {
  const problem = asApiError(thrown);
  toast([whatHappened(problem), whatToDo(problem)].filter(Boolean).join(' '), { tone: 'failure' });
}

export function dismiss(id: number): void {
  clearTimeout(timers.get(id));
  timers.delete(id);
  shown = shown.filter((each) => each.id !== id);
}

/** A toast that is being looked at stays. */
export function hold(id: number): void {
  clearTimeout(timers.get(id));
}

export function wait(id: number): void {
  clearTimeout(timers.get(id));
  timers.set(
    id,
    setTimeout(() => dismiss(id), 8000),
  );
}
