// The stage: the chart's place, and what lies over it: legend, skeleton, empty state, notice.
// Never here: the chart itself (it is given the plot), what the words are.
// Invariant: nothing here moves the chart: what comes and goes lies over it.

import { useComputed } from "@preact/signals";
import type { JSX } from "preact";
import { emptiness, notice } from "./freshness.ts";
import { GoToDate } from "./goToDate.tsx";
import { Icon } from "./icons.tsx";
import { Legend } from "./legend.tsx";
import { OlderLine } from "./olderLine.tsx";
import type { Page } from "./page.ts";

export function Stage({ page }: { readonly page: Page }): JSX.Element {
  const { state, actions } = page;
  const pressed = (event: KeyboardEvent) => {
    if (!event.metaKey && !event.ctrlKey && !event.altKey && actions.key(event)) event.preventDefault();
  };
  return (
    <main class="stage">
      <Notice page={page} />
      <div class="canvas">
        <div
          id="plot" class="plot" tabIndex={0} role="application" aria-label="Candlestick chart with volume" aria-describedby="keys legend"
          onKeyDown={pressed}
        />
        <Legend page={page} />
        <Skeleton page={page} />
        <Empty page={page} />
        <OlderLine page={page} />
        <GoToDate page={page} />
        <button id="to-now" class="to-now" type="button" hidden={state.isAtNow.value} onClick={actions.toNow}>
          To the newest candle <Icon name="forward" />
        </button>
      </div>
      <p id="keys" class="sr">Left and right arrow read candle by candle, plus and minus zoom, End goes to the newest candle, Alt and G to a date.</p>
    </main>
  );
}

function Notice({ page: { state } }: { readonly page: Page }): JSX.Element {
  const warning = useComputed(() => (state.view.value === null ? "" : notice(state.view.value))).value;
  const text = warning || state.message.value;
  return <p id="notice" class="notice" data-tone={warning === "" ? "info" : "down"} hidden={text === ""}>{text}</p>;
}

/** Heights in parts of a hundred of the bars that stand in while candles are on their way. */
const SKELETON = [38, 44, 41, 52, 58, 49, 55, 63, 60, 68, 74, 66, 61, 57, 64, 70, 77, 72, 69, 75, 81, 76, 70, 66];

function Skeleton({ page: { state } }: { readonly page: Page }): JSX.Element | null {
  const isShown = useComputed(() => state.view.value === null || (state.view.value.load.kind === "loading" && state.view.value.bars === 0)).value;
  if (!isShown) return null;
  return <div id="skeleton" class="skeleton" aria-hidden="true">{SKELETON.map((height, at) => <i key={at} class={`h${Math.floor(height / 4)}`} />)}</div>;
}

function Empty({ page: { state } }: { readonly page: Page }): JSX.Element | null {
  const view = state.view.value;
  const words = view === null ? null : emptiness(view);
  if (words === null) return null;
  return (
    <div id="empty" class="empty">
      <h2 id="empty-title">{words.title}</h2>
      <p id="empty-text">{words.text}</p>
    </div>
  );
}
