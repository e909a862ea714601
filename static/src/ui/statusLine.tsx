// The line below the chart: the exchange's clock, what is official, pending and forming, the way of the data.
// Never here: what the words are (format.ts, freshness.ts).
// Invariant: what is not known leaves no cell, and the same is not said twice at once.

import type { ReadonlySignal } from "@preact/signals";
import type { JSX } from "preact";
import { exactness, notice, type Said } from "./freshness.ts";
import { status } from "./format.ts";
import { Credit } from "./credit.tsx";
import type { Page } from "./page.ts";

export function StatusLine({ page: { state }, said }: { readonly page: Page; readonly said: ReadonlySignal<Said> }): JSX.Element {
  const view = state.view.value;
  if (view === null) return <footer class="status figures"><Credit /></footer>;
  const words = status(view);
  const trust = exactness(view);
  const { tone, detail } = said.value;
  return (
    <footer class="status figures">
      <span id="status-clock" class="status-clock">{words.clock}</span>
      <span id="status-official">{words.official}</span>
      <span id="status-pending">{words.pending}</span>
      <span id="status-forming" class="status-forming">{words.forming}</span>
      <span id="status-exact" hidden={trust.text === ""} title={trust.detail}><b id="exact-text">{trust.text}</b> <i id="exact-more">{trust.more}</i></span>
      <span id="status-closes">{words.closes}</span>
      <span id="status-fresh" class="status-fresh">{tone === "live" || notice(view) !== "" ? "" : detail}</span>
      <span id="status-version" class="status-version">{words.version}</span>
      <Credit />
    </footer>
  );
}
