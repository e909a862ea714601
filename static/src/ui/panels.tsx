// What stands at the right of the chart: the panel that is open, loaded when it is first wanted.
// Never here: what is in a panel (truthPanel.tsx, watchlistPanel.tsx, drawings/listPanel.tsx), which one is open.
// Invariant: its place and its title are there at once, so that nothing moves when the rest of it comes.

import { useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import { later, wantLater } from "./laterOn.ts";
import type { Page } from "./page.ts";
import { Panel } from "./panel.tsx";

const TITLES = { truth: "Truth", watchlist: "Watchlist", drawings: "Drawings" } as const;

export function Panels({ page }: { readonly page: Page }): JSX.Element | null {
  const { panel } = page.state;
  useSignalEffect(() => {
    if (panel.value === "drawings") page.drawings.want();
    else if (panel.value !== "none") wantLater(page, () => { panel.value = "none"; });
  });
  const [name, loaded, drawings] = [panel.value, later.value, page.drawings.part.value];
  if (name === "none") return null;
  const Shown = name === "drawings" ? drawings?.List : { truth: loaded?.TruthPanel, watchlist: loaded?.WatchlistPanel }[name];
  if (Shown === undefined) return <Panel page={page} name={name} title={TITLES[name]} isBusy><p class="panel-empty">Loading …</p></Panel>;
  return <Shown page={page} />;
}
