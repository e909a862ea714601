// What part of the candles is in sight: to the newest or any other, back to how it was at first, and what its ends are.
// Never here: candles, the price axis, which of them the chart is given (barWindow.ts).
// Invariant: few candles stand in the middle, many end a little before the axis.

import type { IChartApi } from "lightweight-charts";
import type { BarWindow } from "./barWindow.ts";
import { NEED_OLDER_BARS } from "../state/historyEdge.ts";
import { toMs } from "./chartTime.ts";
import { BAR_SPACING_PX, RIGHT_OFFSET_BARS } from "./style.ts";

/** The newest candle counts as in sight while it is no further beyond the edge than this. */
const BEYOND_BARS = 3;

interface ViewportParts {
  /** Another part has come into sight. */
  readonly onMove: () => void;
  /** The chart was given other points than before. */
  readonly onGiven: () => void;
}

export class Viewport {
  readonly #chart: IChartApi;
  readonly #window: BarWindow;
  readonly #parts: ViewportParts;

  constructor(chart: IChartApi, window: BarWindow, parts: ViewportParts) {
    this.#chart = chart;
    this.#window = window;
    this.#parts = parts;
    window.onMoved = parts.onGiven;
    this.#scale.subscribeVisibleLogicalRangeChange((range) => {
      if (range === null) return;
      window.look();
      parts.onMove();
    });
  }

  /** To the newest candle. */
  toNow() {
    this.#window.toEnd();
    this.#parts.onGiven();
    this.#scale.scrollToPosition(this.#homeBars, false);
  }

  /** As wide and where it was at first. */
  reset() {
    this.#scale.applyOptions({ barSpacing: BAR_SPACING_PX });
    this.toNow();
  }

  /** Brings the candle that opens then, or the next one, into the middle; it has to be among those set. */
  reveal(timeMs: number) {
    this.#window.reveal(timeMs);
    this.#parts.onGiven();
  }

  /** Brings places into sight, counted from the first candle that is held. */
  show(from: number, to: number) {
    if (this.#window.show(from, to)) this.#parts.onGiven();
  }

  get isNearOldest(): boolean {
    return this.#window.reach.left < NEED_OLDER_BARS;
  }

  get isAtNow(): boolean {
    return this.#window.isAtEnd && this.#scale.scrollPosition() > -BEYOND_BARS;
  }

  /** Whether the newest candle stands about where `toNow` brings it. */
  get isAtHome(): boolean {
    return this.isAtNow && this.#scale.scrollPosition() <= this.#homeBars + RIGHT_OFFSET_BARS;
  }

  /** The open times at both ends; null before any. */
  get endsMs(): { readonly from: number; readonly to: number } | null {
    const range = this.#scale.getVisibleRange();
    return range === null ? null : { from: toMs(range.from), to: toMs(range.to) };
  }

  /** Does something that would lose the place, and comes back to it. */
  hold(during: () => void) {
    const range = this.#window.view;
    during();
    if (range !== null) this.#scale.setVisibleLogicalRange(range);
  }

  /** Bars of air right of the newest candle, as it is at first. */
  get #homeBars(): number {
    const inSight = this.#scale.width() / this.#scale.options().barSpacing;
    return Math.max(RIGHT_OFFSET_BARS, (inSight - this.#window.points.length) / 2);
  }

  get #scale() {
    return this.#chart.timeScale();
  }
}
