// Parts of the stage that few visits need, each loaded when there is something for it to say.
// Never here: what they say (truthNotes.tsx, absentMarket.tsx).
// Invariant: what is not wanted is not loaded, and leaves nothing on the page.

import { useComputed, useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import { later, wantLater } from "./laterOn.ts";
import type { Page } from "./page.ts";

/** The notes below the legend. */
export function Notes({ page }: { readonly page: Page }): JSX.Element | null {
  const { state, truth } = page;
  const isWanted = useComputed(() => state.picked.value !== null || truth.shown.state.value.isOn || truth.details.detail.value !== null);
  const Shown = useLater(page, () => isWanted.value)?.TruthNotes;
  return Shown === undefined ? null : <Shown page={page} />;
}

/** What stands in the chart's place for a market that is not followed. */
export function Absent({ page }: { readonly page: Page }): JSX.Element | null {
  const Shown = useLater(page, () => page.state.absent.value !== null)?.AbsentMarket;
  return Shown === undefined ? null : <Shown page={page} />;
}

/** What is loaded later, while it is wanted and there. */
function useLater(page: Page, isWanted: () => boolean): typeof later.value {
  useSignalEffect(() => {
    if (isWanted()) wantLater(page, () => {});
  });
  return isWanted() ? later.value : null;
}
