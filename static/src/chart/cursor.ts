// Which candle is pointed at: by the pointer or, on the focused chart, by keys; and zoom by keys.
// Never here: what is shown about that candle.
// Invariant: `pointedMs` is an open time that the crosshair is on, or null; what keys or a link point at
// stays pointed at while candles come and the chart changes its size, until the pointer moves over it.

import type { IChartApi, ISeriesApi, ITimeScaleApi, SeriesType, Time } from "lightweight-charts";
import { toChartTime, toMs } from "./chartTime.ts";
import { isPointerStill } from "./pointer.ts";
import { SPACING_MAX_PX, SPACING_MIN_PX } from "./style.ts";

const ZOOM = 1.25;

/** Left of a candle that was brought into sight from the left. */
const AIR_BARS = 10;

const SHOWN_TRIES = 3;

/** What keys stop at: a candle, or the first place of a gap, which has no price of its own. */
export interface Stop {
  readonly time: number;
  readonly close?: number;
}

interface CursorOptions {
  readonly series: ISeriesApi<SeriesType>;
  readonly candles: () => readonly Stop[];
  readonly onMove: () => void;
  readonly toNow: () => void;
  /** Brings a place into the middle of the view that is not among those on the chart's time scale now. */
  readonly reveal: (timeMs: number) => void;
}

export class Cursor {
  readonly #chart: IChartApi;
  readonly #series: CursorOptions["series"];
  readonly #candles: CursorOptions["candles"];
  readonly #onMove: CursorOptions["onMove"];
  readonly #toNow: CursorOptions["toNow"];
  readonly #reveal: CursorOptions["reveal"];

  #held: { readonly timeMs: number; readonly price: number } | null = null;

  pointedMs: number | null = null;

  /** Whether another chart says what is pointed at, and no reader of this one. */
  isLed = false;

  /** `candles()` gives what can be pointed at, ascending; `series` is any whose price scale is theirs. */
  constructor(chart: IChartApi, { series, candles, onMove, toNow, reveal }: CursorOptions) {
    this.#chart = chart;
    this.#series = series;
    this.#candles = candles;
    this.#onMove = onMove;
    this.#toNow = toNow;
    this.#reveal = reveal;
    chart.subscribeCrosshairMove(({ time, point, sourceEvent }) => {
      if (this.#held !== null && sourceEvent === undefined) return;
      if (this.#held !== null && isPointerStill()) {
        this.#hold();
        return;
      }
      this.#held = null;
      if (sourceEvent !== undefined) this.isLed = false;
      this.#move(time === undefined || point === undefined ? null : toMs(time));
    });
    // With the next frame: the prices' scale follows the time scale only then.
    const hold = () => { if (this.#held !== null) requestAnimationFrame(() => this.#hold()); };
    chart.timeScale().subscribeVisibleLogicalRangeChange(hold);
    chart.timeScale().subscribeSizeChange(hold);
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
    this.isLed = false;
    moves[name]!();
    return true;
  }

  leave(then = () => {}) {
    this.#held = null;
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
    const at = Math.max(0, Math.min(candles.length - 1, from + by));
    const candle = candles[at]!;
    this.#bringIntoSight(candle.time);
    this.#point(candle.time, candle.close ?? candles[at - 1]?.close ?? candles[at + 1]?.close ?? 0);
  }

  /** Brings a place of the time axis into view and points at it; false if there is no such place. */
  goTo(timeMs: number, price: number): boolean {
    if (this.#scale.timeToIndex(toChartTime(timeMs)) === null) this.#reveal(timeMs);
    if (this.#scale.timeToIndex(toChartTime(timeMs)) === null) return false;
    this.#point(timeMs, price);
    this.#show(timeMs, SHOWN_TRIES);
    return true;
  }

  /** Another chart is pointed at there; null: nowhere. What is not among the candles here is not pointed at. */
  lead(timeMs: number | null, price: number) {
    this.isLed = true;
    if (timeMs === null || this.#scale.timeToIndex(toChartTime(timeMs)) === null) this.leave();
    else this.#point(timeMs, price);
  }

  /** A bar that comes in the same frame keeps the library's view where it was: looked at again with the next one. */
  #show(timeMs: number, tries: number) {
    const [at, range] = [this.#scale.timeToIndex(toChartTime(timeMs)), this.#scale.getVisibleLogicalRange()];
    if (at === null || range === null || this.#held?.timeMs !== timeMs) return;
    const half = (range.to - range.from) / 2;
    if (at > range.from + half / 5 && at < range.to - half / 5) return;
    this.#scale.setVisibleLogicalRange({ from: at - half, to: at + half });
    if (tries > 0) requestAnimationFrame(() => requestAnimationFrame(() => this.#show(timeMs, tries - 1)));
  }

  #point(timeMs: number, price: number) {
    this.#held = { timeMs, price };
    this.#hold();
    this.#move(timeMs);
  }

  /** The library keeps the crosshair's place on the screen, not its candle. */
  #hold() {
    if (this.#held !== null) this.#chart.setCrosshairPosition(this.#held.price, toChartTime(this.#held.timeMs), this.#series);
  }

  get #scale() {
    return this.#chart.timeScale();
  }

  /** The whole candle, not only its middle; the first one has some air before it. */
  #bringIntoSight(timeMs: number) {
    const scale = this.#chart.timeScale();
    if (scale.timeToIndex(toChartTime(timeMs)) === null) this.#reveal(timeMs); // not given to the chart, as far from the view as it is
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
