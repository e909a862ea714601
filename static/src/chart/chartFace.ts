// What a chart offers to what is drawn on it beside its candles, loaded with that: places in px, bars as they are drawn.
// Never here: what is drawn (studies, drawings), candles' own drawing, components.
// Invariant: a moment has one place, whatever part of the bars the library was given.

import type { IChartApi, ISeriesPrimitive, Logical, SingleValueData, Time, WhitespaceData } from "lightweight-charts";
import type { Candle, CandleInState } from "../candles/candle.ts";
import type { Interval } from "../candles/interval.ts";
import type { Series } from "../candles/series.ts";
import type { BarsListener, ChartInside } from "./chartInside.ts";
import { momentAt, placeOf, timeAt } from "../candles/places.ts";

/** A stretch of the time axis, to the fraction of a bar, beyond the bars too. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export class ChartFace {
  readonly api: IChartApi;
  /** The element that the chart is drawn in, for pointers. */
  readonly root: HTMLElement;
  readonly #inside: ChartInside;

  constructor(inside: ChartInside) {
    this.#inside = inside;
    this.api = inside.api;
    this.root = inside.root;
  }

  /** The series that is shown; null before any. */
  get series(): Series | null {
    return this.#inside.shown().series;
  }

  /** Official candles, ascending; the array may be changed in place by the next change. */
  get official(): readonly Candle[] {
    return this.#inside.shown().official;
  }

  /** Pending and forming candles after or between the official ones, ascending. */
  get live(): readonly CandleInState[] {
    return this.#inside.shown().live;
  }

  /** All candles as they are drawn, ascending. */
  bars(): Candle[] {
    const { official, live } = this.#inside.shown();
    return [...official, ...live.map(({ candle }) => candle)].sort((a, b) => a.time - b.time);
  }

  /** Calls back at every change of the bars, until what it returns is called. */
  onBars(listener: BarsListener): () => void {
    this.#inside.listeners.add(listener);
    return () => { this.#inside.listeners.delete(listener); };
  }

  /** Panes were added or removed. */
  panesChanged() {
    this.#inside.panesChanged();
  }

  /** Calls back whenever another part is in sight, until what it returns is called. */
  onSight(listener: () => void): () => void {
    const scale = this.api.timeScale();
    scale.subscribeVisibleLogicalRangeChange(listener);
    return () => scale.unsubscribeVisibleLogicalRangeChange(listener);
  }

  /** Draws along with the candles, whichever type of chart is chosen; the primitive asks for frames itself. */
  attach(primitive: ISeriesPrimitive<Time>) {
    this.#inside.series.attachPrimitive(primitive);
  }

  detach(primitive: ISeriesPrimitive<Time>) {
    this.#inside.series.detachPrimitive(primitive);
  }

  /** Where a moment is, in px from the left of the plot, in sight or not; null while there are no bars. */
  timeToX(timeMs: number): number | null {
    const place = this.placeOf(timeMs);
    const scale = this.api.timeScale();
    const [zero, one] = [scale.logicalToCoordinate(0 as Logical), scale.logicalToCoordinate(1 as Logical)]; // it takes whole ones only
    return place === null || zero === null || one === null ? null : zero + (place - this.#inside.times().firstGiven) * (one - zero);
  }

  /** Which place of the time axis a moment is at, counted from the first bar that is held; null while there are none. */
  placeOf(timeMs: number): number | null {
    const { interval } = this;
    return interval === null ? null : placeOf(this.#inside.times(), interval, timeMs);
  }

  /** What is in sight; null while there are no bars. */
  get span(): Span | null {
    const { interval } = this;
    const view = this.api.timeScale().getVisibleLogicalRange();
    if (interval === null || view === null) return null;
    const times = this.#inside.times();
    const [fromMs, toMs] = [view.from, view.to].map((at) => momentAt(times, interval, at + times.firstGiven));
    return fromMs == null || toMs == null ? null : { fromMs, toMs };
  }

  /** The open time of the bar there, also where no bar is; null while there are none. */
  xToTime(x: number): number | null {
    const { interval } = this;
    const logical = this.api.timeScale().coordinateToLogical(x);
    if (interval === null || logical === null) return null;
    const times = this.#inside.times();
    return timeAt(times, interval, logical + times.firstGiven);
  }

  /** Where a price is, in px from the top of the candles' pane; null while there are no bars. */
  priceToY(price: number): number | null {
    return this.#inside.series.priceToCoordinate(price);
  }

  yToPrice(y: number): number | null {
    return this.#inside.series.coordinateToPrice(y);
  }

  /** The last bar that the library was given; null before any. */
  get lastPoint(): SingleValueData<Time> | null {
    const points = this.#inside.series.data() as readonly (SingleValueData<Time> | WhitespaceData<Time>)[];
    return points.findLast((point) => "value" in point) ?? null;
  }

  get interval(): Interval | null {
    return this.#inside.shown().series?.interval ?? null;
  }
}
