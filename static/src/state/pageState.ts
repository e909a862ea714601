// What the page around the chart is drawn from: one signal a question, written by session and chart.
// Never here: words, the DOM, what follows from a value (components compute it).
// Invariant: a frame shows one instant: what the session says in between is shown with the next frame.

import { batch, signal } from "@preact/signals-core";
import type { Candle, CandleState } from "../candles/candle.ts";
import type { ViewModel } from "./viewModel.ts";

/** The candle that the pointer or the keys are on; else the newest. */
export interface PointedCandle extends Candle {
  readonly state: CandleState;
}

/** Calls back once, with the next frame, or soon where none is drawn. */
export type NextFrame = (callback: () => void) => void;

export class PageState {
  /** What the session knows, and the decimals of the market's prices (-1: not known); null before any. */
  readonly view = signal<ViewModel | null>(null);
  readonly precision = signal(-1);

  /** The candle that the legend tells of; null where there is none. */
  readonly pointed = signal<PointedCandle | null>(null);

  /** Whether the newest candle is in sight. */
  readonly isAtNow = signal(true);

  /** A sentence that stays until the next choice: a link that could not be followed. */
  readonly message = signal("");

  /** An official candle that just took its place, for those who hear the page. */
  readonly closed = signal<Candle | null>(null);

  readonly #nextFrame: NextFrame;
  #latest: { readonly view: ViewModel; readonly precision: number } | null = null;
  #closed: Candle | null = null;

  constructor(nextFrame: NextFrame) {
    this.#nextFrame = nextFrame;
  }

  /** Shows that state with the next frame. */
  render(view: ViewModel, precision: number) {
    const isAsked = this.#latest !== null;
    this.#latest = { view, precision };
    if (!isAsked) this.#nextFrame(() => this.#show());
  }

  /** An official candle took its place; told with the frame that shows it, so that its market's decimals are known. */
  onClosed(candle: Candle) {
    this.#closed = candle;
  }

  #show() {
    const latest = this.#latest;
    this.#latest = null;
    if (latest === null) return;
    batch(() => {
      this.view.value = latest.view;
      this.precision.value = latest.precision;
    });
    if (this.#closed !== null) this.closed.value = this.#closed;
    this.#closed = null;
  }
}
