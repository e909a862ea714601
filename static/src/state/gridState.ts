// How many charts there are, which of them is the active one, and what they have in common.
// Never here: the charts, where any of it is kept.
// Invariant: the active chart is one of those there are, and always in sight.

import { computed, signal } from "@preact/signals-core";

export type Grid = 1 | 2 | 3 | 4;

/** What charts may have in common. */
export const NO_LINKS = Object.freeze({ crosshair: false, range: false, symbol: false, interval: false });
export type LinkName = keyof typeof NO_LINKS;
export type Links = { readonly [name in LinkName]: boolean };

export class GridState {
  readonly count = signal<Grid>(1);
  /** The chart that keys, bar and panels are about, from 1 on. */
  readonly active = signal(1);
  readonly links = signal<Links>(NO_LINKS);
  /** A window so narrow that one chart is shown at a time. */
  readonly isNarrow = signal(false);

  readonly isSeveral = computed(() => this.count.value > 1);

  /** Whether that chart is in sight. */
  isShown(number: number): boolean {
    return this.isNarrow.value ? number === this.active.value : number <= this.count.value;
  }
}
