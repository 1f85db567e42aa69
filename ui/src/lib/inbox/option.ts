import type { Component } from 'svelte';

/** Something to choose. */
export interface Option {
  id: string;
  name: string;
  hint?: string | undefined;
  /** What it is now. */
  chosen?: boolean;
  icon?: Component<{ size?: number }>;
}
