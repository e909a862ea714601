// What lightweight-charts hands to those who draw into its panes.
// Never here: drawing itself.
// Invariant: types only.

import type { IPrimitivePaneView } from "lightweight-charts";

export type DrawingTarget = Parameters<NonNullable<ReturnType<IPrimitivePaneView["renderer"]>>["draw"]>[0];
