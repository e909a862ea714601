// The chart: closed history and the live tail as two sets of bars, crosshair and legend, view and keys.
// Never here: which candles there are and which of them win; requests; words beyond the legend's.
// Invariant: what comes in one call is drawn in one frame, so that no bar is ever missing or doubled.

import type { IChartApi } from "lightweight-charts";
import { sameValues, type Candle, type CandleInState } from "../candles/candle.ts";
import type { HistoryChange } from "../candles/history.ts";
import type { Marks } from "../candles/marks.ts";
import type { Series } from "../candles/series.ts";
import { spaced, type Whitespace } from "../candles/whitespace.ts";
import type { PointedCandle } from "../state/pageState.ts";
import type { ChartType } from "../state/preferences.ts";
import { BarWindow } from "./barWindow.ts";
import { Bars } from "./bars.ts";
import type { BarsChange, ChartInside } from "./chartInside.ts";
import { toMs } from "./chartTime.ts";
import { ComingTimes } from "./comingTimes.ts";
import { Cursor } from "./cursor.ts";
import { Fades } from "./fades.ts";
import { LastPrice, type LastNews } from "./lastPrice.ts";
import { MarketStart } from "./marketStart.ts";
import { PendingMarkers } from "./pendingMarkers.ts";
import { PriceAxis } from "./priceAxis.ts";
import { printLight } from "./print.ts";
import { KINDS } from "./seriesKinds.ts";
import { options, style } from "./style.ts";
import { Viewport } from "./viewport.ts";
import { createZonedChart, type TimeAxis } from "./timeAxis.ts";
import { sightOf, tellPointed, type Sight, type Told } from "./told.ts";
import { TruthLayer } from "./truthLayer.ts";
import { onChange, prefersStillness, tokens } from "../ui/theme.ts";
import { marketStart } from "../ui/format.ts";

interface ChartParts extends Told {
  /** How many decimals a market's prices have at least; -1 where that is not known. */
  readonly leastDecimals?: (symbol: string) => number;
  /** The price axis was dragged, or follows the candles again. */
  readonly onAuto?: (isAuto: boolean) => void;
}

export class Chart {
  /** What part of the candles is in sight. */
  readonly view: Viewport;
  readonly axis: PriceAxis;
  readonly truth: TruthLayer;
  /** For what is drawn on the chart beside its candles. */
  readonly inside: ChartInside;
  readonly #chart: IChartApi;
  readonly #times: TimeAxis;
  readonly #history: Bars;
  readonly #window: BarWindow;
  readonly #tail: Bars;
  readonly #coming: ComingTimes;
  readonly #lastPrice: LastPrice;
  readonly #markers = new PendingMarkers();
  readonly #start = new MarketStart();
  readonly #fades: Fades;
  readonly #parts: ChartParts & Required<Pick<ChartParts, "leastDecimals" | "onAuto">>;
  readonly #cursor: Cursor;
  #series: Series | null = null;
  #rows: readonly Candle[] = [];
  #live: readonly CandleInState[] = [];
  #needOlder: () => void = () => {};

  constructor(root: HTMLElement, parts: ChartParts) {
    this.#parts = { leastDecimals: () => -1, onAuto: () => {}, ...parts };
    ({ chart: this.#chart, times: this.#times } = createZonedChart(root, options()));
    this.#history = new Bars(this.#chart);
    this.#tail = new Bars(this.#chart, this.#history);
    this.#coming = new ComingTimes(this.#chart);
    this.#lastPrice = new LastPrice(this.#coming.series);
    this.axis = new PriceAxis(this.#chart, (format) => {
      for (const bars of [this.#history, this.#tail]) bars.format(format);
      this.#coming.series.applyOptions({ priceFormat: format });
      this.#showLastPrice();
    });
    this.#window = new BarWindow(this.#chart, this.#history, root);
    this.view = new Viewport(this.#chart, this.#window, { onMove: () => this.#moved(), onGiven: () => this.setTail(this.#live) });
    this.#fades = new Fades(this.#history);
    const candles = () => [...this.#rows, ...this.#live.map(({ candle }) => candle)];
    this.truth = new TruthLayer({ chart: this.#chart, window: this.#window, history: this.#history, tail: this.#tail });
    this.#cursor = new Cursor(this.#chart, {
      series: this.#coming.series,
      candles: () => this.truth.stops(candles()),
      onMove: () => this.#cursorMoved(),
      toNow: () => this.view.toNow(),
      reveal: (timeMs) => this.reveal(timeMs),
    });
    this.inside = {
      api: this.#chart,
      root,
      series: this.#coming.series,
      shown: () => ({ series: this.#series, official: this.#rows, live: this.#live }),
      times: () => this.#window.times(this.#window.isAtEnd ? this.#tail.points : []),
      listeners: new Set(),
      panesChanged: () => this.truth.panesChanged(),
    };
    this.#tail.attach(this.#markers);
    this.#history.attach(this.#start);
    [0.82, 0.18].forEach((factor, pane) => this.#chart.panes()[pane]!.setStretchFactor(factor));
    this.#restyle();
    this.axis.listen(root, this.#parts.onAuto);
    this.#chart.subscribeClick(({ time }) => this.#parts.onClick?.(time === undefined ? null : toMs(time)));
    onChange(() => this.#restyle());
    printLight(this.#chart, root, () => this.#restyle());
    this.#times.onChange(() => this.#redraw());
  }

  readonly onNeedOlder = (callback: () => void) => { this.#needOlder = callback; };

  /** Starts a series anew: empty, at the newest candle; of the same market as near as it was looked at. */
  begin(series: Series) {
    const isOther = this.#series?.symbol !== series.symbol;
    this.#series = series;
    this.#rows = this.#live = [];
    this.#cursor.leave();
    this.#fades.stop();
    for (const layer of [this.#window, this.#tail, this.#markers]) layer.set([]);
    this.truth.begin(series.interval);
    this.#coming.clear();
    this.#showLastPrice();
    if (isOther) this.axis.open(this.#parts.leastDecimals(series.symbol));
    this.#times.open(series.interval.name, isOther);
    this.markStart(null);
    this.axis.follow();
    this.#point();
    this.#tell({ kind: "whole" });
  }

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
    if (this.#window.timeAt(openMs) !== openMs && this.#at(openMs) === null) return false;
    return this.#cursor.goTo(openMs, this.#at(openMs)?.close ?? this.#rows.at(-1)?.close ?? 0);
  }

  /** Puts the crosshair onto a place of the time axis, at that price, and brings it into sight. */
  pointAt(timeMs: number, price: number) {
    this.#cursor.goTo(timeMs, price);
  }

  /** All official candles and the live ones beside them. */
  setHistory(rows: readonly Candle[], live: readonly CandleInState[]) {
    if (this.#series === null) return;
    const isFirst = this.#rows.length === 0;
    this.#rows = rows;
    this.#fades.stop();
    this.axis.learn(rows);
    this.#window.set(spaced(this.#series.interval, rows));
    this.#drawTail(live);
    this.#tell({ kind: "whole" });
    if (isFirst && rows.length > 0) {
      this.view.toNow();
      requestAnimationFrame(() => this.axis.settle());
    }
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
    this.axis.learn([...appended, ...replaced]);
    if (prepended.length > 0) this.#window.prepend(spaced<Whitespace>(this.#series.interval, [...prepended, first]).slice(0, -1));
    if (appended.length > 0) this.#window.append(spaced(this.#series.interval, appended, last.time));
    this.#drawTail(live);
    if (replaced.length + appended.length > 0) this.#tell({ kind: "official" });
    else if (prepended.length > 0) this.#tell({ kind: "older" });
    if (!prefersStillness()) this.#fades.start(appended.filter((row) => waited.has(row.time)));
  }

  /** The pending and forming candles, `{candle, state}`. */
  setTail(live: readonly CandleInState[]) {
    if (this.#series === null) return;
    const before = this.#live;
    this.#drawTail(live);
    const isSame = before.length === live.length && live.every(({ candle, state }, i) => state === before[i]!.state && sameValues(candle, before[i]!.candle));
    if (!isSame) this.#tell({ kind: "live" });
  }

  #tell(change: BarsChange) {
    for (const listener of this.inside.listeners) listener(change);
  }

  #drawTail(live: readonly CandleInState[]) {
    this.#live = live;
    const { interval } = this.#series!;
    const { isAtEnd } = this.#window; // beside older points the newest ones would stand for what is between
    const bars = isAtEnd ? live.map(({ candle, state }) => ({ ...candle, state })) : [];
    this.axis.learn(bars);
    this.#tail.follow(spaced(interval, bars, this.#rows.at(-1)?.time ?? null));
    this.#markers.set(bars.filter((bar) => bar.state === "pending").map((bar) => ({ time: bar.time, high: this.#tail.top(bar) })));
    this.#coming.follow(interval, isAtEnd ? this.#newest : (this.#history.last?.candle ?? null), isAtEnd);
    this.#showLastPrice();
    this.truth.stand(bars);
    this.#point();
  }

  toNow() {
    this.view.toNow();
  }

  reveal(timeMs: number) {
    this.view.reveal(timeMs);
  }

  get reach(): BarWindow["reach"] {
    return this.#window.reach;
  }

  /** The open time in the middle of what is seen; null at the newest candle. */
  get middleMs(): number | null {
    return this.view.isAtHome ? null : this.#window.middleMs;
  }

  markStart(timeMs: number | null) {
    this.#start.set(timeMs, timeMs === null ? "" : marketStart(this.#series!.symbol, timeMs, this.#series!.interval.name));
  }

  /** The open times at the edges of what is seen of the official candles; null where there are none. */
  get visible(): BarWindow["visible"] {
    return this.#window.visible;
  }

  /** Draws candles in another way. */
  setType(type: ChartType) {
    this.#fades.stop();
    for (const bars of [this.#history, this.#tail]) bars.become(KINDS[type]);
    this.setTail(this.#live);
  }

  /** What the page knows of the last price beside the candles. */
  setNews(news: LastNews) {
    this.#lastPrice.news = news;
    this.#showLastPrice();
  }

  /** All that the chart shows, without the crosshair, in the device's pixels. */
  picture(): HTMLCanvasElement {
    return this.#chart.takeScreenshot(true);
  }

  /** Decimals of the market's prices; -1 before any is known. */
  get precision(): number {
    return this.axis.precision;
  }

  /** What the two series hold, read from the chart itself. */
  drawn(): { history: Bars["drawn"]; tail: Bars["drawn"]; lastPrice: LastPrice["shown"] } {
    return { history: this.#history.drawn, tail: this.#tail.drawn, lastPrice: this.#lastPrice.shown };
  }

  /** A key on the focused chart; false if it means nothing here. */
  key(name: string): boolean {
    if (name !== "Home" || this.#window.isAtStart) return this.#cursor.key(name);
    this.reveal(this.#rows[0]!.time);
    requestAnimationFrame(() => this.#cursor.key(name)); // where it is, is known once it is drawn
    return true;
  }

  /** Points at the candle that a moment lies in, where another chart is pointed at; null: at none. */
  lead(timeMs: number | null) {
    const interval = this.#series?.interval;
    const openMs = timeMs === null || !interval?.hasGrid ? timeMs : interval.openMs(timeMs);
    const close = openMs === null ? undefined : this.#at(openMs)?.close;
    this.#cursor.lead(openMs, close ?? this.#newest?.close ?? 0);
  }

  /** First and last open time in sight and the candles from one to the other; null where there is none. */
  get sight(): Sight | null {
    const ends = this.view.endsMs;
    return ends === null ? null : sightOf(ends.from, ends.to, [...this.#rows, ...this.#live.map(({ candle }) => candle)]);
  }

  #moved() {
    if (this.view.isNearOldest && this.#rows.length > 0) this.#needOlder();
    this.#parts.onNow.value = this.view.isAtNow;
    this.axis.rebase((this.#history.firstFrom(this.view.endsMs?.from ?? 0) ?? this.#newest)?.close ?? null);
    if (this.visible !== null) this.#parts.onSight?.(this.visible.fromMs, this.visible.toMs);
    this.#parts.onMove?.();
  }

  #cursorMoved() {
    this.#point();
    if (!this.#cursor.isLed) this.#parts.onCursor?.(this.#cursor.pointedMs);
  }

  #restyle() {
    const colors = tokens();
    this.#chart.applyOptions(style(colors));
    for (const bars of [this.#history, this.#tail]) bars.restyle(colors);
    this.#markers.restyle(colors.text);
    this.#start.restyle(colors);
    this.#lastPrice.colors = colors;
    this.#showLastPrice();
    this.truth.restyle(colors);
  }

  /** The same candles at the same place, drawn anew. */
  #redraw() {
    this.view.hold(() => {
      for (const bars of [this.#history, this.#tail]) bars.blank();
      this.#coming.clear();
      for (const bars of [this.#history, this.#tail]) bars.restyle();
      this.setTail(this.#live);
    });
  }

  #showLastPrice() {
    this.#lastPrice.follow(this.#newest, (value) => this.axis.words(value));
  }

  get #newest(): Candle | null {
    return this.#live.at(-1)?.candle ?? this.#rows.at(-1) ?? null;
  }

  /** Tells of the candle that is pointed at, or of its absence. */
  #point() {
    if (this.#series === null) return;
    const { pointedMs } = this.#cursor;
    const pointed = this.#at(pointedMs);
    const hole = pointedMs !== null && pointed === null && this.#rows.length > 0 ? this.truth.hole(pointedMs) : null;
    tellPointed(this.#parts, pointed ?? this.#at(null), hole);
  }

  /** The candle that opens then, with its state; the last one for null. */
  #at(timeMs: number | null): PointedCandle | null {
    const live = this.#live.findLast(({ candle }) => timeMs === null || candle.time === timeMs);
    if (live !== undefined) return { ...live.candle, state: live.state, isCorrected: false };
    const row = timeMs === null ? this.#rows.at(-1) : this.#window.at(timeMs);
    return row ? { ...row, state: "final", isCorrected: this.truth.isCorrected(row.time) } : null;
  }
}
