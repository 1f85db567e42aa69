import Circle from '@lucide/svelte/icons/circle';
import CircleCheck from '@lucide/svelte/icons/circle-check';
import CirclePlay from '@lucide/svelte/icons/circle-play';
import CircleSlash from '@lucide/svelte/icons/circle-slash';
import CircleX from '@lucide/svelte/icons/circle-x';
import DoorOpen from '@lucide/svelte/icons/door-open';
import Flag from '@lucide/svelte/icons/flag';

/** A shape for each status, so that colour is never the only sign. */
export const shapes: Record<string, typeof Circle> = {
  scheduled: Circle,
  confirmed: CircleCheck,
  arrived: DoorOpen,
  in_service: CirclePlay,
  completed: Flag,
  cancelled: CircleX,
  no_show: CircleSlash,
};

export const shapeOf = (status: string): typeof Circle => shapes[status] ?? Circle;
