// The chart: closed history and the live tail as two sets of bars, crosshair and legend, view and keys.
// Never here: which candles there are and which of them win; requests; words beyond the legend's.
// Invariant: what comes in one call is drawn in one frame, so that no bar is ever missing or doubled.

import { LineStyle, createChart, type IChartApi, type Time } from "lightweight-charts";
import { decimals, sameValues, type Candle, type CandleInState } from "../candles/candle.ts";
import type { HistoryChange } from "../candles/history.ts";
import type { Series } from "../candles/series.ts";
import type { PointedCandle } from "../state/pageState.ts";
import { NEED_OLDER_BARS } from "../state/historyEdge.ts";
import { spaced, type Whitespace } from "../candles/whitespace.ts";
import { BarWindow } from "./barWindow.ts";
import { Bars } from "./bars.ts";
import { toMs } from "./chartTime.ts";
import { Cursor } from "./cursor.ts";
import { Fades } from "./fades.ts";
import { MarketStart } from "./marketStart.ts";
import { PendingMarkers } from "./pendingMarkers.ts";
import { BAR_SPACING_PX, RIGHT_OFFSET_BARS, options, style } from "./style.ts";
import { onChange, prefersStillness, tokens } from "../ui/theme.ts";
import { fullMoment, marketStart, price } from "../ui/format.ts";

/** Rows looked at for the number of decimals. */
const SAMPLE_MAX = 2_000;

/** With more bars than this a fade would cost more frames than it has: each draws them all anew. */
const FADE_BARS_MAX = 10_000;
/** What the chart tells by itself: each a signal, or anything else that holds a value. */
interface ChartParts {
  /** The candle that is pointed at, or the newest; null where there is none. */
  readonly onPoint: { value: PointedCandle | null };
  /** Whether the newest candle is in sight. */
  readonly onNow: { value: boolean };
  /** How many decimals a market's prices have at least; -1 where that is not known. */
  readonly leastDecimals?: (symbol: string) => number;
}

export class Chart {
  readonly #chart: IChartApi;
  readonly #history: Bars;
  readonly #window: BarWindow;
  readonly #tail: Bars;
  readonly #markers = new PendingMarkers();
  readonly #start = new MarketStart();
  readonly #fades: Fades;
  readonly #onPoint: ChartParts["onPoint"];
  readonly #cursor: Cursor;
  #series: Series | null = null;
  #rows: readonly Candle[] = [];
  #live: readonly CandleInState[] = [];
  #precision = -1;
  #needOlder = () => {};
  readonly #onNow: ChartParts["onNow"];
  readonly #leastDecimals: (symbol: string) => number;

  constructor(root: HTMLElement, { onPoint, onNow, leastDecimals = () => -1 }: ChartParts) {
    this.#chart = createChart(root, options());
    this.#history = new Bars(this.#chart, { priceLineVisible: false, lastValueVisible: false });
    this.#tail = new Bars(this.#chart, { priceLineStyle: LineStyle.Dashed });
    this.#window = new BarWindow(this.#chart, this.#history, root);
    this.#fades = new Fades(this.#history);
    this.#onPoint = onPoint;
    this.#cursor = new Cursor(this.#chart, {
      series: this.#history.series,
      candles: () => [...this.#rows, ...this.#live.map(({ candle }) => candle)],
      onMove: () => this.#point(),
    });
    [this.#onNow, this.#leastDecimals] = [onNow, leastDecimals];
    this.#tail.series.attachPrimitive(this.#markers);
    this.#history.series.attachPrimitive(this.#start);
    [0.82, 0.18].forEach((part, pane) => this.#chart.panes()[pane]!.setStretchFactor(part));
    this.#restyle();
    this.#listen(root);
  }

  onNeedOlder(callback: () => void) {
    this.#needOlder = callback;
  }

  /** Starts a series anew: empty, at the newest candle; of the same market as near as it was looked at. */
  begin(series: Series) {
    const isSameMarket = this.#series?.symbol === series.symbol;
    if (!isSameMarket) this.#precision = -1;
    this.#series = series;
    this.#rows = this.#live = [];
    this.#cursor.leave();
    this.#fades.stop();
    for (const layer of [this.#window, this.#tail, this.#markers]) layer.set([]);
    this.#refine([], this.#leastDecimals(series.symbol));
    const { name } = series.interval;
    const timeFormatter = (time: Time) => fullMoment(toMs(time), name);
    const units = { secondsVisible: name === "1s", timeVisible: !/[dwM]$/.test(name) };
    this.#chart.applyOptions({
      localization: { timeFormatter },
      timeScale: { ...units, rightOffset: RIGHT_OFFSET_BARS, ...(isSameMarket ? {} : { barSpacing: BAR_SPACING_PX }) },
    });
    this.markStart(null);
    this.#chart.priceScale("right").applyOptions({ autoScale: true });
    this.#point();
  }

  learn(series: Series) {
    this.#series = series;
  }

  /** All official candles and the live ones beside them. */
  setHistory(rows: readonly Candle[], live: readonly CandleInState[]) {
    if (this.#series === null) return;
    const isFirst = this.#rows.length === 0;
    this.#rows = rows;
    this.#fades.stop();
    this.#refine(rows.slice(-SAMPLE_MAX));
    this.#window.set(spaced(this.#series.interval, rows));
    this.setTail(live);
    if (isFirst) this.#chart.timeScale().scrollToPosition(RIGHT_OFFSET_BARS, false);
  }

  /** Some official candles, new or corrected, and the live ones left beside them. */
  change({ prepended, appended, replaced }: HistoryChange, rows: readonly Candle[], live: readonly CandleInState[]) {
    if (this.#series === null) return;
    const waited = new Set(this.#live.filter((item) => item.state === "pending").map((item) => item.candle.time));
    const [first, last] = [this.#window.points[0], this.#window.points.at(-1)];
    const areCorrected = replaced.every((row) => this.#window.correct(row));
    if (!areCorrected || first === undefined || last === undefined) {
      this.setHistory(rows, live);
      return;
    }
    this.#rows = rows;
    this.#refine([...appended, ...replaced]);
    if (prepended.length > 0) this.#window.prepend(spaced<Whitespace>(this.#series.interval, [...prepended, first]).slice(0, -1));
    if (appended.length > 0) this.#window.append(spaced(this.#series.interval, appended, last.time));
    this.setTail(live);
    if (!prefersStillness() && rows.length <= FADE_BARS_MAX) this.#fades.start(appended.filter((row) => waited.has(row.time)));
  }

  /** The pending and forming candles, `{candle, state}`. */
  setTail(live: readonly CandleInState[]) {
    if (this.#series === null) return;
    const wasEmpty = this.#live.length === 0;
    this.#live = live;
    const isInReach = this.#window.isAtEnd; // beside older points the newest ones would stand for what is between
    const bars = isInReach ? live.map(({ candle, state }) => ({ ...candle, state })) : [];
    this.#refine(bars);
    this.#tail.follow(spaced(this.#series.interval, bars, this.#rows.at(-1)?.time ?? null));
    this.#markers.set(bars.filter((bar) => bar.state === "pending"));
    if (wasEmpty !== (live.length === 0)) this.#showLastPrice(live.length === 0);
    this.#tail.colorPriceLine();
    this.#point();
  }

  /** To the newest candle. */
  toNow() {
    this.#window.toEnd();
    this.setTail(this.#live);
    this.#chart.timeScale().scrollToPosition(RIGHT_OFFSET_BARS, false);
  }

  /** Brings the candle that opens then, or the next one, into the middle; it has to be among those set. */
  reveal(timeMs: number) {
    this.#window.reveal(timeMs);
    this.setTail(this.#live);
  }

  get reach(): BarWindow["reach"] {
    return this.#window.reach;
  }

  /** The open time in the middle of what is seen; null at the newest candle. */
  get middleMs(): number | null {
    const isAtNow = this.#onNow.value && this.#chart.timeScale().scrollPosition() <= 2 * RIGHT_OFFSET_BARS;
    return isAtNow ? null : this.#window.middleMs;
  }

  markStart(timeMs: number | null) {
    this.#start.set(timeMs, timeMs === null ? "" : marketStart(this.#series!.symbol, timeMs, this.#series!.interval.name));
  }

  /** The open times at the edges of what is seen of the official candles; null where there are none. */
  get visible(): { readonly fromMs: number; readonly toMs: number } | null {
    return this.#window.visible;
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
    if (name === "End") this.toNow();
    if (name !== "Home" || this.#window.isAtStart) return this.#cursor.key(name);
    this.reveal(this.#rows[0]!.time);
    requestAnimationFrame(() => this.#cursor.key(name)); // where it is, is known once it is drawn
    return true;
  }

  #listen(root: HTMLElement) {
    this.#chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
      if (range === null) return;
      if (this.#window.look()) this.setTail(this.#live);
      if (this.#window.reach.left < NEED_OLDER_BARS && this.#rows.length > 0) this.#needOlder();
      this.#onNow.value = this.#window.isAtEnd && this.#chart.timeScale().scrollPosition() > -3;
    });
    root.addEventListener("dblclick", () => this.#chart.priceScale("right").applyOptions({ autoScale: true }));
    onChange(() => this.#restyle());
  }

  #restyle() {
    const colors = tokens();
    this.#chart.applyOptions(style(colors));
    this.#history.restyle(colors);
    this.#tail.restyle(colors);
    this.#markers.restyle(colors.text);
    this.#start.restyle(colors);
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

  /** Tells of the candle that is pointed at; told anew only if it differs. */
  #point() {
    if (this.#series === null) return;
    const [candle, before] = [this.#at(this.#cursor.pointedMs) ?? this.#at(null), this.#onPoint.value];
    if (candle !== null && before !== null && candle.state === before.state && sameValues(candle, before)) return;
    this.#onPoint.value = candle;
  }

  /** The candle that opens then, with its state; the last one for null. */
  #at(timeMs: number | null): PointedCandle | null {
    const live = this.#live.findLast(({ candle }) => timeMs === null || candle.time === timeMs);
    if (live !== undefined) return { ...live.candle, state: live.state };
    const row = timeMs === null ? this.#rows.at(-1) : this.#window.at(timeMs);
    return row ? { ...row, state: "final" } : null;
  }
}
