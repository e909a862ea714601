// The old end of what is shown: which older candles are paged in, fetched on demand, or jumped to.
// Never here: requests' ways (api), how candles are drawn, words.
// Invariant: whatever brings older candles brings them through the loader, one page at a time.

import { HELD_MAX, type History } from "../candles/history.ts";
import type { Series } from "../candles/series.ts";
import type { Clock } from "../clock.ts";
import type { Api } from "../net/api.ts";
import { HistoryOnDemand, type Edge, type OlderState } from "./historyOnDemand.ts";
import { Jump, type JumpEnd } from "./jump.ts";
import type { Loader } from "./loader.ts";

/** What the edge asks of the chart. */
export interface EdgeChart {
  /** How many bars lie before the view, fewer than none where it reaches beyond them, and how many it is wide. */
  readonly reach: { readonly left: number; readonly width: number };
  /** The open time in the middle of the view; null at the newest candle, and where there are none. */
  readonly middleMs: number | null;
  reveal(timeMs: number): void;
  /** Points at a place of the time axis; false if there is none such. */
  goTo(openMs: number): boolean;
  toNow(): void;
  /** Marks the candle that opens then as the market's first one; null: none is known to be. */
  markStart(timeMs: number | null): void;
}

/** What the words about the old end are made from; waits are durations, times exchange ms. */
export interface OlderView {
  /** The oldest candle held; null while there is none. */
  readonly firstMs: number | null;
  readonly held: number;
  readonly heldMax: number;
  /** Where a jump goes, and how the last one ended short of that. */
  readonly aimMs: number | null;
  readonly end: JumpEnd | null;
  /** Null while nobody is near the edge. */
  readonly state: (Omit<OlderState, "failure"> & { readonly failure: { readonly detail: string; readonly retryInMs: number } | null }) | null;
}

interface HistoryEdgeOptions {
  readonly api: Pick<Api, "history" | "wish">;
  readonly clock: Clock;
  readonly canAsk: boolean;
  readonly chart: EdgeChart;
  readonly loader: Pick<Loader, "older" | "hasOlder" | "state">;
}

/** Bars left of the view that are too few: older ones are read. */
export const NEED_OLDER_BARS = 60;

export class HistoryEdge {
  readonly #chart: EdgeChart;
  readonly #loader: HistoryEdgeOptions["loader"];
  readonly #demand: HistoryOnDemand;
  readonly #jump: Jump;
  #series!: Series; // since `open`, which comes before all else
  #history!: History;

  constructor({ api, clock, canAsk, chart, loader }: HistoryEdgeOptions) {
    this.#chart = chart;
    this.#loader = loader;
    this.#demand = new HistoryOnDemand({ api, clock, canAsk, onStored: (fromMs) => this.#stored(fromMs) });
    this.#jump = new Jump({
      demand: this.#demand, canAsk, older: () => void loader.older(), reveal: (timeMs) => chart.reveal(timeMs), point: (timeMs) => void chart.goTo(timeMs), toNow: () => chart.toNow(),
    });
  }

  /** Another series; `aimMs` is what was in the middle before, to be seen again if it is stored. */
  open(series: Series, history: History, aimMs: number | null) {
    this.#series = series;
    this.#history = history;
    this.#demand.open(series);
    this.#jump.begin(aimMs, true);
  }

  learn(series: Series) {
    this.#series = series;
    this.#demand.learn(series);
  }

  /** Where a jump is on its way to. */
  get aimMs(): number | null {
    return this.#jump.aimMs;
  }

  /** Goes to a date, fetching what is not stored. */
  goTo(timeMs: number) {
    this.#demand.goOn();
    this.#jump.begin(timeMs);
  }

  goNowhere() {
    this.#jump.begin(null);
  }

  /** Nothing more is fetched, nowhere is gone to. */
  stop() {
    this.goNowhere();
    this.#demand.stop();
  }

  /** What was stopped goes on, what failed is tried again now. */
  goOn() {
    this.#demand.goOn();
  }

  /** The reader has read how the last jump ended. */
  dismiss() {
    this.#jump.end = null;
  }

  /** The next step of whatever is due; called often. `isSeen`: somebody looks at the page. */
  look(isSeen: boolean, nowMs: number) {
    const { first } = this.#history;
    const isReady = isSeen && first !== null && this.#loader.state.kind === "ready";
    if (isReady) this.#jump.look({ series: this.#series, history: this.#history, nowMs });
    const { left, width } = this.#chart.reach;
    if (isReady && left < NEED_OLDER_BARS) void this.#loader.older();
    this.#demand.look(isReady ? this.#edge(first.time, left, width) : null);
    this.#chart.markStart(first !== null && this.#demand.startMs === first.time ? first.time : null);
  }

  view(localMs: number): OlderView {
    const { state } = this.#demand;
    const failure = state?.failure ? { detail: state.failure.detail, retryInMs: Math.max(0, state.failure.retryAtMs - localMs) } : null;
    return {
      firstMs: this.#history.first?.time ?? null,
      held: this.#history.rows.length,
      heldMax: HELD_MAX,
      aimMs: this.#jump.isStoredOnly ? null : this.#jump.aimMs,
      end: this.#jump.end,
      state: state && { ...state, failure },
    };
  }

  #edge(firstMs: number, left: number, width: number): Edge {
    const { hasMore, isFull } = this.#history;
    return { firstMs, hasMore, isFull, left, width };
  }

  #stored(fromMs: number) {
    const { first } = this.#history;
    if (first !== null && fromMs < first.time) this.#loader.hasOlder();
  }
}
