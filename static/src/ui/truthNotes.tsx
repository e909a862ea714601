// The notes below the legend: both versions of a corrected candle, how it was shown live, the picked candle's link.
// Never here: asking for any of it, the legend itself.
// Invariant: a note is of the candle that the legend tells of, or names the one that it is of.

import type { JSX } from "preact";
import type { CorrectionDetail } from "../state/correctionDetails.ts";
import { CopyLink } from "./copyLink.tsx";
import { fullMoment, moment } from "./format.ts";
import { Icon } from "./icons.tsx";
import type { Pane } from "./page.ts";
import { fieldWords, noticedWords, shownWords } from "./truthWords.ts";
import { Versions } from "./versions.tsx";

/** What the small table itself shows; of other fields the sentence tells. */
const COLUMNS: ReadonlySet<string> = new Set(["open", "high", "low", "close", "volume"]);

export function TruthNotes({ page }: { readonly page: Pane }): JSX.Element {
  return (
    <div class="notes">
      <ModeNote page={page} />
      <PickedNote page={page} />
      <CorrectionNote page={page} />
      <ShownNote page={page} />
    </div>
  );
}

function CorrectionNote({ page: { state, truth, id } }: { readonly page: Pane }): JSX.Element | null {
  const detail = truth.details.detail.value;
  if (detail === null || state.pointed.value?.time !== detail.time) return null;
  const { correction } = detail;
  if (correction === null) return <p id={id("correction")} class="note correction">{lacking(detail)}</p>;
  const others = correction.differing.filter((name) => !COLUMNS.has(name));
  return (
    <div id={id("correction")} class="note correction">
      <p>
        <strong>Corrected by the exchange</strong>{detail.times > 1 ? ` ${detail.times} times` : ""}, {noticedWords(correction)}
        {others.length > 0 ? `; also ${fieldWords(others)}` : ""}
      </p>
      <Versions caption="Before and after the correction" rows={[["was", correction.old], ["is", correction.new]]} differing={correction.differing} precision={state.precision.value} />
    </div>
  );
}

function lacking({ state }: CorrectionDetail): string {
  if (state === "asking") return "Corrected by the exchange. Reading what it was …";
  if (state === "failed") return "Corrected by the exchange. What it was could not be read; point at it again to try again.";
  return "Corrected by the exchange. What it was is not kept any more.";
}

function ShownNote({ page: { state, truth, id } }: { readonly page: Pane }): JSX.Element | null {
  const shown = truth.shown.state.value;
  const pointed = state.pointed.value;
  const view = state.view.value;
  if (!shown.isOn || view === null) return null;
  if (shown.problem !== "") return <p id={id("as-shown")} class="note">How candles were shown could not be read: {shown.problem}</p>;
  if (pointed === null || pointed.state !== "final") return null;
  const candle = shown.candles.find(({ time }) => time === pointed.time);
  const words = shownWords(candle, shown, pointed.time, view.interval);
  if (candle === undefined || candle.shown === null || candle.differs === "nothing") return <p id={id("as-shown")} class="note">{words}</p>;
  return (
    <div id={id("as-shown")} class="note">
      <p>{words}</p>
      <Versions caption="As shown live and official" rows={[["shown", candle.shown], ["official", candle.official]]} differing={candle.differing} precision={state.precision.value} />
    </div>
  );
}

/** While the panel with the switch is shut: what is drawn, and the way back. */
function ModeNote({ page: { state, truth } }: { readonly page: Pane }): JSX.Element | null {
  if (!truth.shown.state.value.isOn || state.panel.value === "truth") return null;
  return (
    <div class="note picked">
      <span>As shown live</span>
      <button class="copy-link" type="button" onClick={() => truth.shown.toggle(false)}>Show official only</button>
    </div>
  );
}

function PickedNote({ page }: { readonly page: Pane }): JSX.Element | null {
  const openMs = page.state.picked.value;
  const view = page.state.view.value;
  if (openMs === null || view === null) return null;
  const full = fullMoment(openMs, view.interval);
  return (
    <div id={page.id("picked")} class="note picked picked-candle">
      <span class="figures" title={full}>Picked {moment(openMs, view.interval, view.nowMs)}</span>
      <CopyLink page={page} openMs={openMs} of={full} />
      <button class="copy-link is-small" type="button" title="Let it go" aria-label="Let the picked candle go" onClick={() => page.actions.pick(null)}><Icon name="close" /></button>
    </div>
  );
}
