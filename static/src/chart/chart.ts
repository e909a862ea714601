// The chart: closed history and the live tail as two sets of bars, crosshair and legend, view and keys.
// Never here: which candles there are and which of them win; requests; words beyond the legend's.
// Invariant: what comes in one call is drawn in one frame, so that no bar is ever missing or doubled.

import { LineStyle, createChart, type IChartApi, type Time } from "lightweight-charts";
import { decimals, sameValues, type Candle, type CandleInState } from "../candles/candle.ts";
import type { HistoryChange } from "../candles/history.ts";
import type { Marks } from "../candles/marks.ts";
import type { Series } from "../candles/series.ts";
import type { PointedCandle, PointedHole } from "../state/pageState.ts";
import { spaced } from "../candles/whitespace.ts";
import { Bars } from "./bars.ts";
import { toMs } from "./chartTime.ts";
import { Cursor, type Stop } from "./cursor.ts";
import { Fades } from "./fades.ts";
import { PendingMarkers } from "./pendingMarkers.ts";
import { TruthLayer } from "./truthLayer.ts";
import { BAR_SPACING_PX, RIGHT_OFFSET_BARS, options, style } from "./style.ts";
import { onChange, prefersStillness, tokens } from "../ui/theme.ts";
import { fullMoment, price } from "../ui/format.ts";

/** Rows looked at for the number of decimals. */
const SAMPLE_MAX = 2_000;

/** With more bars than this a fade would cost more frames than it has: each draws them all anew. */
const FADE_BARS_MAX = 10_000;

/** Bars left of the view that are too few: older ones are asked for. */
const NEED_OLDER_BARS = 60;

/** What the chart tells by itself: each a signal, or anything else that holds a value. */
interface ChartParts {
  /** The candle that is pointed at, or the newest; null where there is none. */
  readonly onPoint: { value: PointedCandle | null };
  /** The place that is pointed at, if no candle is there. */
  readonly onHole?: { value: PointedHole | null };
  /** The candle that was clicked, by its open time; null for a click beside all of them. */
  readonly onClick?: (openMs: number | null) => void;
  /** The first and last open time in sight. */
  readonly onSight?: (fromMs: number, toMs: number) => void;
  /** Whether the newest candle is in sight. */
  readonly onNow: { value: boolean };
  /** How many decimals a market's prices have at least; -1 where that is not known. */
  readonly leastDecimals?: (symbol: string) => number;
}

export class Chart {
  readonly truth: TruthLayer;
  readonly #chart: IChartApi;
  readonly #history: Bars;
  readonly #tail: Bars;
  readonly #markers = new PendingMarkers();
  readonly #fades: Fades;
  readonly #parts: ChartParts;
  readonly #cursor: Cursor;
  #series: Series | null = null;
  #rows: readonly Candle[] = [];
  #live: readonly CandleInState[] = [];
  #precision = -1;
  #needOlder: () => void = () => {};

  constructor(root: HTMLElement, parts: ChartParts) {
    this.#parts = parts;
    this.#chart = createChart(root, options());
    this.#history = new Bars(this.#chart, { priceLineVisible: false, lastValueVisible: false });
    this.#tail = new Bars(this.#chart, { priceLineStyle: LineStyle.Dashed });
    this.#fades = new Fades(this.#history);
    this.truth = new TruthLayer(this.#chart, this.#history, this.#tail);
    this.#cursor = new Cursor(this.#chart, { series: this.#history.series, candles: () => this.#stops(), onMove: () => this.#point() });
    this.#tail.series.attachPrimitive(this.#markers);
    this.#chart.panes()[0]!.setStretchFactor(0.82);
    this.#chart.panes()[1]!.setStretchFactor(0.18);
    this.#restyle();
    this.#listen(root);
  }

  onNeedOlder(callback: () => void) {
    this.#needOlder = callback;
  }

  /** Starts a series anew: empty, at the newest candle, whatever was looked at before. */
  begin(series: Series) {
    if (this.#series?.symbol !== series.symbol) this.#precision = -1;
    this.#series = series;
    this.#rows = [];
    this.#live = [];
    this.#cursor.leave();
    this.#fades.stop();
    for (const layer of [this.#history, this.#tail, this.#markers]) layer.set([]);
    this.truth.begin(series.interval);
    this.#refine([], this.#parts.leastDecimals?.(series.symbol));
    const secondsVisible = series.interval.name === "1s";
    const timeVisible = !/[dwM]$/.test(series.interval.name);
    const timeFormatter = (time: Time) => fullMoment(toMs(time), series.interval.name);
    this.#chart.applyOptions({
      localization: { timeFormatter },
      timeScale: { secondsVisible, timeVisible, barSpacing: BAR_SPACING_PX, rightOffset: RIGHT_OFFSET_BARS },
    });
    this.#chart.priceScale("right").applyOptions({ autoScale: true });
    this.#point();
  }

  /** The same series, its grid now known. */
  learn(series: Series) {
    this.#series = series;
    this.truth.learn(series.interval);
  }

  /** The marks of the candles, whenever they have changed. */
  mark(marks: Marks) {
    this.truth.mark(marks, this.#live.map(({ candle }) => candle));
    this.#point();
  }

  /** Brings a place of the time axis into view and points at it; false if nothing is there, not even a hole. */
  goTo(openMs: number): boolean {
    return this.#cursor.goTo(openMs, this.#at(openMs)?.close ?? this.#rows.at(-1)?.close ?? 0);
  }

  /** All official candles and the live ones beside them. */
  setHistory(rows: readonly Candle[], live: readonly CandleInState[]) {
    if (this.#series === null) return;
    const isFirst = this.#rows.length === 0;
    this.#rows = rows;
    this.#fades.stop();
    this.#refine(rows.slice(-SAMPLE_MAX));
    this.#history.set(spaced(this.#series.interval, rows));
    this.setTail(live);
    if (isFirst) this.#chart.timeScale().scrollToPosition(RIGHT_OFFSET_BARS, false);
  }

  /** Some official candles, new or corrected, and the live ones left beside them. */
  change({ appended, replaced }: HistoryChange, rows: readonly Candle[], live: readonly CandleInState[]) {
    if (this.#series === null) return;
    const waited = new Set(this.#live.filter((item) => item.state === "pending").map((item) => item.candle.time));
    const lastMs = this.#history.points.at(-1)?.time ?? null;
    const areCorrected = replaced.every((row) => this.#history.correct(row));
    if (!areCorrected || lastMs === null) {
      this.setHistory(rows, live);
      return;
    }
    this.#rows = rows;
    this.#refine([...appended, ...replaced]);
    this.#history.append(spaced(this.#series.interval, appended, lastMs));
    this.setTail(live);
    if (!prefersStillness() && rows.length <= FADE_BARS_MAX) this.#fades.start(appended.filter((row) => waited.has(row.time)));
  }

  /** The pending and forming candles, `{candle, state}`. */
  setTail(live: readonly CandleInState[]) {
    if (this.#series === null) return;
    const wasEmpty = this.#live.length === 0;
    this.#live = live;
    const bars = live.map(({ candle, state }) => ({ ...candle, state }));
    this.#refine(bars);
    this.#tail.follow(spaced(this.#series.interval, bars, this.#rows.at(-1)?.time ?? null));
    this.#markers.set(bars.filter((bar) => bar.state === "pending"));
    this.truth.stand(bars);
    if (wasEmpty !== (live.length === 0)) this.#showLastPrice(live.length === 0);
    this.#tail.colorPriceLine();
    this.#point();
  }

  /** To the newest candle. */
  toNow() {
    this.#chart.timeScale().scrollToPosition(RIGHT_OFFSET_BARS, false);
  }

  /** Decimals of the market's prices; -1 before any is known. */
  get precision(): number {
    return this.#precision;
  }

  /** What the two series hold, read from the chart itself. */
  drawn(): { history: Bars["drawn"]; tail: Bars["drawn"] } {
    return { history: this.#history.drawn, tail: this.#tail.drawn };
  }

  /** A key on the focused chart; false if it means nothing here. */
  key(name: string): boolean {
    return this.#cursor.key(name);
  }

  #listen(root: HTMLElement) {
    this.#chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
      if (range === null) return;
      if (range.from < NEED_OLDER_BARS && this.#rows.length > 0) this.#needOlder();
      this.#parts.onNow.value = this.#chart.timeScale().scrollPosition() > -3;
      const sight = this.#chart.timeScale().getVisibleRange();
      if (sight !== null) this.#parts.onSight?.(toMs(sight.from), toMs(sight.to));
    });
    this.#chart.subscribeClick(({ time }) => this.#parts.onClick?.(time === undefined ? null : toMs(time)));
    root.addEventListener("dblclick", () => this.#chart.priceScale("right").applyOptions({ autoScale: true }));
    onChange(() => this.#restyle());
  }

  #restyle() {
    const colors = tokens();
    this.#chart.applyOptions(style(colors));
    this.#history.restyle(colors);
    this.#tail.restyle(colors);
    this.#markers.restyle(colors.text);
    this.truth.restyle(colors);
  }

  /** As many decimals as the market's tick has, or its prices have shown so far; never fewer again. */
  #refine(candles: readonly Candle[], least = -1) {
    const seen = Math.max(least, ...candles.flatMap(({ open, high, low, close }) => [open, high, low, close]).map(decimals));
    if (seen <= this.#precision) return;
    this.#precision = seen;
    const priceFormat = { type: "custom" as const, minMove: 10 ** -seen, formatter: (number: number) => price(number, seen) };
    for (const bars of [this.#history, this.#tail]) bars.series.applyOptions({ priceFormat });
  }

  #showLastPrice(isHistorys: boolean) {
    this.#history.series.applyOptions({ priceLineVisible: isHistorys, lastValueVisible: isHistorys });
  }

  /** What keys stop at: every candle, and every gap once. */
  #stops(): readonly Stop[] {
    const candles = [...this.#rows, ...this.#live.map(({ candle }) => candle)];
    const gaps = this.truth.stops;
    return gaps.length === 0 ? candles : [...candles, ...gaps].sort((a, b) => a.time - b.time);
  }

  /** Tells of the candle that is pointed at, or of its absence; told anew only if it differs. */
  #point() {
    if (this.#series === null) return;
    const { pointedMs } = this.#cursor;
    const pointed = this.#at(pointedMs);
    const hole = pointedMs !== null && pointed === null && this.#rows.length > 0 ? this.truth.hole(pointedMs) : null;
    if (this.#parts.onHole) this.#parts.onHole.value = hole;
    const candle = hole === null ? (pointed ?? this.#at(null)) : null;
    const before = this.#parts.onPoint.value;
    const isSame = candle !== null && before !== null && candle.state === before.state && candle.isCorrected === before.isCorrected;
    if (!(isSame && sameValues(candle, before))) this.#parts.onPoint.value = candle;
  }

  /** The candle that opens then, with its state; the last one for null. */
  #at(timeMs: number | null): PointedCandle | null {
    const live = this.#live.findLast(({ candle }) => timeMs === null || candle.time === timeMs);
    if (live !== undefined) return { ...live.candle, state: live.state, isCorrected: false };
    const row = timeMs === null ? this.#rows.at(-1) : this.#history.at(timeMs);
    return row ? { ...row, state: "final", isCorrected: this.truth.isCorrected(row.time) } : null;
  }
}
