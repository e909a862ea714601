// The stage: the charts' panes, and what lies over all of them.
// Never here: what is in a pane (pane.tsx), the charts themselves.
// Invariant: nothing here moves a chart: what comes and goes lies over it.

import { useComputed } from "@preact/signals";
import type { JSX } from "preact";
import type { Page } from "./page.ts";
import { PaneFrame } from "./pane.tsx";
import { Toast } from "./toast.tsx";
import { TypedInterval } from "./typedInterval.tsx";

export function Stage({ page }: { readonly page: Page }): JSX.Element {
  const { config, state } = page;
  const name = useComputed(() => `${state.shown.value?.symbol ?? config.symbol} ${state.shown.value?.interval ?? config.interval}`).value;
  return (
    <main class="stage">
      <h1 class="sr">{name} candles</h1>
      <div class="panes">
        {page.panes.value.map((pane) => <PaneFrame key={pane.number} page={pane} />)}
        <TypedInterval shortcuts={page.shortcuts} />
        <Toast page={page} />
      </div>
      <p id="keys" class="sr">
        Left and right arrow read candle by candle, Home goes to the first and End to the newest, plus and minus zoom, Enter picks the candle, Escape leaves it.
        Alt and G goes to a date.
        The button "Table" below has the last candles as a table.
      </p>
    </main>
  );
}
