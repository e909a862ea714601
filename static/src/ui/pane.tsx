// One chart's pane: the chart's place, and what lies over it: legend, skeleton, empty state, notice.
// Never here: the chart itself (it is given the plot), what the words are, the other panes.
// Invariant: nothing here moves the chart: what comes and goes lies over it.

import { useComputed } from "@preact/signals";
import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { emptiness, nextStep, notice } from "./freshness.ts";
import { GoToDate } from "./goToDate.tsx";
import { Icon } from "./icons.tsx";
import { Absent, Notes, Older } from "./laterParts.tsx";
import { Legend } from "./legend.tsx";
import { signInHere, type Pane } from "./page.ts";
import { ScaleMenu } from "./readingMenus.tsx";

interface PaneProps {
  readonly page: Pane;
}

export function PaneFrame({ page }: PaneProps): JSX.Element {
  const { state, actions, id } = page;
  const pressed = (event: KeyboardEvent) => {
    if (!event.metaKey && !event.ctrlKey && !event.altKey && actions.key(event)) event.preventDefault();
  };
  const plot = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => page.place(plot.current!), []);
  return (
    <div class="canvas">
      <div class="readout">
        <Legend page={page} />
        <Notes page={page} />
      </div>
      <div class="frame">
        <div
          id={id("plot")} class="plot" tabIndex={0} role="application" aria-label="Candlestick chart with volume" aria-describedby={`keys ${id("legend")}`}
          ref={plot} onKeyDown={pressed}
        />
        <div class="plot-ring" aria-hidden="true" />
        <Skeleton page={page} />
        <Empty page={page} />
        <Older page={page} />
        <Notice page={page} />
        <button id={id("to-now")} class="to-now" type="button" hidden={state.isAtNow.value} onClick={actions.toNow}>
          To the newest candle <Icon name="forward" />
        </button>
      </div>
      <GoToDate page={page} />
      <ScaleMenu page={page} />
      <Absent page={page} />
    </div>
  );
}

/** A sentence across the chart: trouble, or what the last choice could not do; and what there is to do. */
function Notice({ page: { state, actions, id } }: PaneProps): JSX.Element {
  const warning = useComputed(() => (state.view.value === null ? "" : notice(state.view.value))).value;
  const step = useComputed(() => (state.view.value === null ? null : nextStep(state.view.value))).value;
  const text = warning || state.message.value;
  return (
    <div id={id("notice")} class="notice" data-tone={warning === "" ? "info" : "down"} hidden={text === ""}>
      <span class="notice-shape" aria-hidden="true" />
      <p id={id("notice-text")}>{text}</p>
      {warning !== "" && step === "retry" ? <button id={id("notice-retry")} class="button is-edged" type="button" onClick={actions.retry}>Try now</button> : null}
      {warning !== "" && step === "sign-in" ? <a class="button is-edged" href={signInHere()}>Sign in</a> : null}
      {warning === "" ? (
        <button class="icon" type="button" title="Close" onClick={() => { state.message.value = ""; }}>
          <span class="sr">Close this message</span><Icon name="close" />
        </button>
      ) : null}
    </div>
  );
}

/** Stands in while candles are on their way, in the geometry that they will have (css/skeleton.css). */
function Skeleton({ page: { state, id } }: PaneProps): JSX.Element | null {
  const isShown = useComputed(() => state.view.value === null || (state.view.value.load.kind === "loading" && state.view.value.bars === 0)).value;
  return isShown ? <div id={id("skeleton")} class="skeleton" aria-hidden="true" /> : null;
}

function Empty({ page: { state, actions, id } }: PaneProps): JSX.Element | null {
  const view = state.view.value;
  const words = view === null ? null : emptiness(view);
  if (view === null || words === null) return null;
  return (
    <div id={id("empty")} class="empty">
      <h2 id={id("empty-title")}>{words.title}</h2>
      <p id={id("empty-text")}>{words.text}</p>
      {nextStep(view) === "sign-in" ? <a class="button is-first" href={signInHere()}>Sign in</a> : (
        <button id={id("empty-retry")} class="button is-first" type="button" onClick={actions.retry}>{view.load.kind === "failed" ? "Try again now" : "Look again now"}</button>
      )}
    </div>
  );
}
