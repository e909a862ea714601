// What anything that is drawn in a pane beside its candles may know of it: studies, drawings.
// Never here: what they are; the session, requests.
// Invariant: types only.

import type { ShownState } from "../state/pageState.ts";
import type { Preferences } from "../state/preferences.ts";
import type { ChartInside } from "./chartInside.ts";

export interface PaneParts {
  /** From 1 on. */
  readonly number: number;
  /** What the pane shows, as signals. */
  readonly state: ShownState;
  readonly preferences: Preferences;
  /** `new ChartFace(inside)` makes it easy to use, in what is loaded later. */
  readonly inside: ChartInside;
}
