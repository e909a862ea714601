// What part of the candles is in sight: to the newest, back to how it was at first, and what its ends are.
// Never here: candles, the price axis.
// Invariant: few candles stand in the middle, many end a little before the axis.

import type { IChartApi, LogicalRange } from "lightweight-charts";
import { toMs } from "./chartTime.ts";
import { BAR_SPACING_PX, RIGHT_OFFSET_BARS } from "./style.ts";

/** The newest candle counts as in sight while it is no further beyond the edge than this. */
const BEYOND_BARS = 3;

export class Viewport {
  readonly #chart: IChartApi;
  readonly #count: () => number;

  /** `count()` is how many candles there are; `onMove` hears of every other part that comes into sight. */
  constructor(chart: IChartApi, count: () => number, onMove: (range: LogicalRange) => void) {
    this.#chart = chart;
    this.#count = count;
    this.#scale.subscribeVisibleLogicalRangeChange((range) => {
      if (range !== null) onMove(range);
    });
  }

  /** To the newest candle. */
  toNow() {
    const inSight = this.#scale.width() / this.#scale.options().barSpacing;
    this.#scale.scrollToPosition(Math.max(RIGHT_OFFSET_BARS, (inSight - this.#count()) / 2), false);
  }

  /** As wide and where it was at first. */
  reset() {
    this.#scale.applyOptions({ barSpacing: BAR_SPACING_PX });
    this.toNow();
  }

  get isAtNow(): boolean {
    return this.#scale.scrollPosition() > -BEYOND_BARS;
  }

  /** The open times at both ends; null before any. */
  get endsMs(): { readonly from: number; readonly to: number } | null {
    const range = this.#scale.getVisibleRange();
    return range === null ? null : { from: toMs(range.from), to: toMs(range.to) };
  }

  /** Does something that would lose the place, and comes back to it. */
  hold(during: () => void) {
    const range = this.#scale.getVisibleLogicalRange();
    during();
    if (range !== null) this.#scale.setVisibleLogicalRange(range);
  }

  get #scale() {
    return this.#chart.timeScale();
  }
}
