// Parts of the stage that few visits need, each loaded when there is something for it to say.
// Never here: what they say (truthNotes.tsx, absentMarket.tsx, olderLine.tsx).
// Invariant: what is not wanted is not loaded, and leaves nothing on the page.

import { useComputed, useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { later, wantLater } from "./laterOn.ts";
import type { Page, Pane } from "./page.ts";

/** The notes below the legend. */
export function Notes({ page }: { readonly page: Pane }): JSX.Element | null {
  const { state, truth } = page;
  const isWanted = useComputed(() => state.picked.value !== null || truth.shown.state.value.isOn || truth.details.detail.value !== null);
  const Shown = useLater(page, () => isWanted.value)?.TruthNotes;
  return Shown === undefined ? null : <Shown page={page} />;
}

/** What stands in the chart's place for a market that is not followed. */
export function Absent({ page }: { readonly page: Pane }): JSX.Element | null {
  const Shown = useLater(page, () => page.state.absent.value !== null)?.AbsentMarket;
  return Shown === undefined ? null : <Shown page={page} />;
}

/** The line over the old end of the chart. Once there it stays: it also says that a way back has ended. */
export function Older({ page }: { readonly page: Pane }): JSX.Element | null {
  const wasWanted = useRef(false);
  const Shown = useLater(page, () => {
    const older = page.state.view.value?.older;
    wasWanted.current ||= older !== undefined && (older.state !== null || older.aimMs !== null || older.end !== null);
    return wasWanted.current;
  })?.OlderLine;
  return Shown === undefined ? null : <Shown page={page} />;
}

/** What is loaded later, while it is wanted and there. */
function useLater(page: Page, isWanted: () => boolean): typeof later.value {
  useSignalEffect(() => {
    if (isWanted()) wantLater(page, () => {});
  });
  return isWanted() ? later.value : null;
}
