// The stage: the chart's place, and what lies over it: legend, skeleton, empty state, notice.
// Never here: the chart itself (it is given the plot), what the words are.
// Invariant: nothing here moves the chart: what comes and goes lies over it.

import { useComputed } from "@preact/signals";
import type { JSX } from "preact";
import { emptiness, nextStep, notice } from "./freshness.ts";
import { GoToDate } from "./goToDate.tsx";
import { Icon } from "./icons.tsx";
import { Absent, Notes, Older } from "./laterParts.tsx";
import { Legend } from "./legend.tsx";
import { signInHere, type Page } from "./page.ts";
import { ScaleMenu } from "./readingMenus.tsx";
import { Toast } from "./toast.tsx";
import { TypedInterval } from "./typedInterval.tsx";

export function Stage({ page }: { readonly page: Page }): JSX.Element {
  const { config, state, actions } = page;
  const name = useComputed(() => `${state.shown.value?.symbol ?? config.symbol} ${state.shown.value?.interval ?? config.interval}`).value;
  const pressed = (event: KeyboardEvent) => {
    if (!event.metaKey && !event.ctrlKey && !event.altKey && actions.key(event)) event.preventDefault();
  };
  return (
    <main class="stage">
      <h1 class="sr">{name} candles</h1>
      <div class="canvas">
        <div class="readout">
          <Legend page={page} />
          <Notes page={page} />
        </div>
        <div class="frame">
          <div
            id="plot" class="plot" tabIndex={0} role="application" aria-label="Candlestick chart with volume" aria-describedby="keys legend"
            onKeyDown={pressed}
          />
          <div class="plot-ring" aria-hidden="true" />
          <Skeleton page={page} />
          <Empty page={page} />
          <Older page={page} />
          <Notice page={page} />
          <button id="to-now" class="to-now" type="button" hidden={state.isAtNow.value} onClick={actions.toNow}>
            To the newest candle <Icon name="forward" />
          </button>
        </div>
        <GoToDate page={page} />
        <ScaleMenu page={page} />
        <Absent page={page} />
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

/** A sentence across the chart: trouble, or what the last choice could not do; and what there is to do. */
function Notice({ page: { state, actions } }: { readonly page: Page }): JSX.Element {
  const warning = useComputed(() => (state.view.value === null ? "" : notice(state.view.value))).value;
  const step = useComputed(() => (state.view.value === null ? null : nextStep(state.view.value))).value;
  const text = warning || state.message.value;
  return (
    <div id="notice" class="notice" data-tone={warning === "" ? "info" : "down"} hidden={text === ""}>
      <span class="notice-shape" aria-hidden="true" />
      <p id="notice-text">{text}</p>
      {warning !== "" && step === "retry" ? <button id="notice-retry" class="button is-edged" type="button" onClick={actions.retry}>Try now</button> : null}
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
function Skeleton({ page: { state } }: { readonly page: Page }): JSX.Element | null {
  const isShown = useComputed(() => state.view.value === null || (state.view.value.load.kind === "loading" && state.view.value.bars === 0)).value;
  return isShown ? <div id="skeleton" class="skeleton" aria-hidden="true" /> : null;
}

function Empty({ page: { state, actions } }: { readonly page: Page }): JSX.Element | null {
  const view = state.view.value;
  const words = view === null ? null : emptiness(view);
  if (view === null || words === null) return null;
  return (
    <div id="empty" class="empty">
      <h2 id="empty-title">{words.title}</h2>
      <p id="empty-text">{words.text}</p>
      {nextStep(view) === "sign-in" ? <a class="button is-first" href={signInHere()}>Sign in</a> : (
        <button id="empty-retry" class="button is-first" type="button" onClick={actions.retry}>{view.load.kind === "failed" ? "Try again now" : "Look again now"}</button>
      )}
    </div>
  );
}
