// Which candle is pointed at: by the pointer or, on the focused chart, by keys; and zoom by keys.
// Never here: what is shown about that candle.
// Invariant: `pointedMs` is an open time that the crosshair is on, or null.

import type { IChartApi, ISeriesApi, ITimeScaleApi, SeriesType, Time } from "lightweight-charts";
import type { Candle } from "../candles/candle.ts";
import { toChartTime, toMs } from "./chartTime.ts";
import { SPACING_MAX_PX, SPACING_MIN_PX } from "./style.ts";

const ZOOM = 1.25;

/** Left of a candle that was brought into sight from the left. */
const AIR_BARS = 10;

interface CursorOptions {
  readonly series: ISeriesApi<SeriesType>;
  readonly candles: () => readonly Candle[];
  readonly onMove: () => void;
  readonly toNow: () => void;
}

export class Cursor {
  readonly #chart: IChartApi;
  readonly #series: CursorOptions["series"];
  readonly #candles: CursorOptions["candles"];
  readonly #onMove: CursorOptions["onMove"];
  readonly #toNow: CursorOptions["toNow"];

  pointedMs: number | null = null;

  /** `candles()` gives what can be pointed at, ascending; `series` is any whose price scale is theirs. */
  constructor(chart: IChartApi, { series, candles, onMove, toNow }: CursorOptions) {
    this.#chart = chart;
    this.#series = series;
    this.#candles = candles;
    this.#onMove = onMove;
    this.#toNow = toNow;
    chart.subscribeCrosshairMove(({ time, point }) => {
      this.#move(time === undefined || point === undefined ? null : toMs(time));
    });
  }

  /** False for a key that means nothing here. */
  key(name: string): boolean {
    const scale = this.#chart.timeScale();
    const moves: Record<string, () => void> = {
      ArrowLeft: () => this.#step(-1),
      ArrowRight: () => this.#step(1),
      Home: () => this.#step(-Infinity),
      End: () => this.leave(this.#toNow),
      Escape: () => this.leave(),
      "+": () => zoom(scale, ZOOM),
      "=": () => zoom(scale, ZOOM), // the same key without shift
      "-": () => zoom(scale, 1 / ZOOM),
    };
    if (!Object.hasOwn(moves, name)) return false;
    moves[name]!();
    return true;
  }

  leave(then = () => {}) {
    this.#chart.clearCrosshairPosition();
    this.#move(null);
    then();
  }

  /** One candle on; the view follows when the candle is outside of it. */
  #step(by: number) {
    const candles = this.#candles();
    if (candles.length === 0) return;
    const found = candles.findIndex((candle) => candle.time === this.pointedMs);
    const from = found < 0 ? candles.length : found;
    const candle = candles[Math.max(0, Math.min(candles.length - 1, from + by))]!;
    this.#bringIntoSight(candle.time);
    this.#chart.setCrosshairPosition(candle.close, toChartTime(candle.time), this.#series);
    this.#move(candle.time);
  }

  /** The whole candle, not only its middle; the first one has some air before it. */
  #bringIntoSight(timeMs: number) {
    const scale = this.#chart.timeScale();
    const x = scale.timeToCoordinate(toChartTime(timeMs));
    if (x === null) return;
    const { barSpacing } = scale.options();
    if (x < barSpacing) scale.scrollToPosition(scale.scrollPosition() + x / barSpacing - AIR_BARS, false);
    if (x > scale.width() - barSpacing / 2) this.#toNow();
  }

  #move(timeMs: number | null) {
    if (timeMs === this.pointedMs) return;
    this.pointedMs = timeMs;
    this.#onMove();
  }
}

function zoom(scale: ITimeScaleApi<Time>, factor: number) {
  const spacing = scale.options().barSpacing * factor;
  scale.applyOptions({ barSpacing: Math.max(SPACING_MIN_PX, Math.min(SPACING_MAX_PX, spacing)) });
}
