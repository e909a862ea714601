// Where one chart is shown at a time, the switch between them.
// Never here: which charts there are, what a switch costs.
// Invariant: it names every chart by what it shows.

import type { JSX } from "preact";
import type { Page, Pane } from "./page.ts";

export function PaneTabs({ page }: { readonly page: Page }): JSX.Element {
  const { grid, panes, several } = page;
  return (
    <nav class="pane-tabs" aria-label="Charts">
      {panes.value.slice(0, grid.count.value).map((pane) => (
        <button key={pane.number} type="button" aria-current={pane.number === grid.active.value ? "true" : undefined} onClick={() => several.value?.activate(pane.number)}>
          <Name pane={pane} />
        </button>
      ))}
    </nav>
  );
}

function Name({ pane }: { readonly pane: Pane }): JSX.Element {
  const series = pane.series.value;
  return <>{series === null ? pane.number : `${series.symbol} ${series.interval}`}</>;
}
