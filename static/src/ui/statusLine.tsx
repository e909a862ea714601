// The line below the chart: the exchange's clock, what is official and pending, how far the forming candle can be trusted.
// Never here: what the words are (format.ts, freshness.ts).
// Invariant: what is not known leaves no cell, and what comes and goes stands last: it moves nothing.

import type { ReadonlySignal } from "@preact/signals";
import type { JSX } from "preact";
import { exactness, notice, type Said } from "./freshness.ts";
import { status } from "./format.ts";
import { Credit } from "./credit.tsx";
import type { Page } from "./page.ts";
import { TruthButton } from "./truthButton.tsx";

export function StatusLine({ page, said }: { readonly page: Page; readonly said: ReadonlySignal<Said> }): JSX.Element {
  const view = page.state.view.value;
  if (view === null) return <footer class="status figures"><div class="status-facts" /><TableButton page={page} /><Credit /></footer>;
  const words = status(view);
  const trust = exactness(view);
  const { tone, detail } = said.value;
  return (
    <footer class="status figures">
      <div class="status-facts">
        <span id="status-clock" class="status-clock">{words.clock}</span>
        <span id="status-official" title={words.version}>{words.official}</span>
        <span id="status-exact" hidden={trust.text === ""} title={trust.detail}><b id="exact-text">{trust.text}</b> <i id="exact-more">{trust.more}</i></span>
        <span id="status-pending">{words.pending}</span>
        <span id="status-fresh" class="status-fresh">{tone === "live" || tone === "busy" || notice(view) !== "" ? "" : detail}</span>
      </div>
      <TruthButton page={page} place="status" />
      <TableButton page={page} />
      <Credit />
    </footer>
  );
}

function TableButton({ page }: { readonly page: Page }): JSX.Element {
  const open = () => { page.dialog.value = "table"; };
  return <button id="table-open" class="status-button" type="button" aria-haspopup="dialog" title="The last candles as a table" onClick={open}>Table</button>;
}
