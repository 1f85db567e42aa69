import { call, type SlotVerdict, type Visit } from '$lib/bridge';

/** Where a visit would go. */
export interface Target {
  startsAt: string;
  endsAt: string;
  professional: string;
}

let visit = $state.raw<Visit>();
let place = $state.raw<Target>();
let verdict = $state.raw<SlotVerdict>();
let asked = '';

/** The place a visit is being dragged or stepped to, and what this computer knows about it. */
export const target = {
  get visit(): Visit | undefined {
    return visit;
  },
  get place(): Target | undefined {
    return place;
  },
  /** Undefined until the answer for exactly this place is there. */
  get verdict(): SlotVerdict | undefined {
    return verdict;
  },
};

/** Looks at a place; the same one twice in a row asks once. */
export function lookAt(moved: Visit, to: Target): void {
  const key = `${moved.id} ${to.startsAt} ${to.professional}`;
  visit = moved;
  place = to;
  if (key === asked) return;
  asked = key;
  verdict = undefined;
  call('check_slot', {
    appointment_id: moved.id,
    starts_at: to.startsAt,
    ends_at: to.endsAt,
    professional_id: to.professional,
  }).then(
    (answer) => {
      if (asked === key) verdict = answer;
    },
    // Without an answer nothing is claimed; the move itself will be judged.
    () => undefined,
  );
}

export function lookAway(): void {
  asked = '';
  visit = undefined;
  place = undefined;
  verdict = undefined;
}
