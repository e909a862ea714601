// The quiet line over the old end of the chart: words, and one button for the next step.
// Never here: what the words are (olderWords.ts), what the steps do (chartPage.ts wires them).
// Invariant: moves nothing; what it says is read out once, not with every number that changes.

import { useComputed, useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { fullMoment } from "./format.ts";
import { Icon } from "./icons.tsx";
import { olderWords, type OlderStep, type OlderWords } from "./olderWords.ts";
import { address, isPlainClick, signInHere, type Pane } from "./page.ts";

const LABELS: Readonly<Record<Exclude<OlderStep, "none" | "signIn" | "longer">, string>> = {
  stop: "Stop",
  fetch: "Fetch older candles",
  retry: "Try again",
  fetchTo: "Fetch back to it",
};

export function OlderLine({ page }: { readonly page: Pane }): JSX.Element | null {
  const { state, announcer, actions, id } = page;
  const words = useComputed(() => (state.view.value === null ? null : olderWords(state.view.value)));
  const told = useRef({ kind: "", aimMs: null as number | null });
  useSignalEffect(() => {
    const view = state.view.value;
    const said = words.value;
    const before = told.current;
    told.current = { kind: said?.kind ?? "", aimMs: view?.older.aimMs ?? null };
    if (said !== null && said.kind !== before.kind) announcer.say(said.text);
    else if (view !== null && said === null && before.aimMs !== null) announcer.say(`At ${fullMoment(before.aimMs, view.interval)}.`);
  });
  const said = words.value;
  if (said === null) return null;
  if (said.kind === "start") return <p id={id("older")} class="sr">{said.text}</p>; // drawn at its candle
  return (
    <div id={id("older")} class="older" data-kind={said.kind.split(" ")[0]}>
      <span id={id("older-text")}>{said.text}</span>
      <Step page={page} said={said} />
      {said.isEnd ? (
        <button id={id("older-close")} class="older-close" type="button" onClick={actions.older.dismiss}>
          <span class="sr">Close this message</span><Icon name="close" />
        </button>
      ) : null}
    </div>
  );
}

function Step({ page, said }: { readonly page: Pane; readonly said: OlderWords }): JSX.Element | null {
  const { step, aimMs } = said;
  if (step === "none") return null;
  if (step === "signIn") return page.config.signed_in ? null : <a id={page.id("older-step")} class="older-step" href={signInHere()}>Sign in to fetch older candles</a>;
  if (step === "longer") return <Longer page={page} aimMs={aimMs} />;
  const { older, goTo } = page.actions;
  const steps = { stop: older.stop, fetch: older.goOn, retry: older.goOn, fetchTo: () => goTo(aimMs!) };
  return <button id={page.id("older-step")} class="older-step" type="button" onClick={steps[step]}>{LABELS[step]}</button>;
}

/** The next longer interval, as the bar has it; and there to the time that this one does not reach. */
function Longer({ page: { state, config, actions, id }, aimMs }: { readonly page: Pane; readonly aimMs: number | null }): JSX.Element | null {
  const view = state.view.value!;
  const next = config.intervals[config.intervals.indexOf(view.interval) + 1];
  if (next === undefined) return null;
  const chosen = (event: MouseEvent) => {
    if (!isPlainClick(event)) return;
    event.preventDefault();
    actions.go({ interval: next });
    if (aimMs !== null) actions.goTo(aimMs);
  };
  return <a id={id("older-step")} class="older-step" href={address(view.symbol, next)} onClick={chosen}>Show {next}, which reaches further back</a>;
}
