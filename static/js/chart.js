// The chart: closed history and the live tail as two sets of bars, crosshair and legend, view and keys.
// Never here: which candles there are and which of them win; requests; words beyond the legend's.
// Invariant: what comes in one call is drawn in one frame, so that no bar is ever missing or doubled.

import { LineStyle, createChart } from "../vendor/lightweight-charts.mjs";
import { Bars } from "./bars.js";
import { decimals } from "./candles/candle.js";
import { spaced } from "./candles/holes.js";
import { Cursor } from "./cursor.js";
import { Fades } from "./fades.js";
import { Legend } from "./legend.js";
import { Dots } from "./marks.js";
import { BAR_SPACING_PX, RIGHT_OFFSET_BARS, options, style } from "./style.js";
import { onChange, prefersStillness, tokens } from "./theme.js";
import { fullMoment, price } from "./words.js";

/** Rows looked at for the number of decimals. */
const SAMPLE_MAX = 2_000;

/** With more bars than this a fade would cost more frames than it has: each draws them all anew. */
const FADE_BARS_MAX = 10_000;

/** Bars left of the view that are too few: older ones are asked for. */
const NEED_OLDER_BARS = 60;

export class Chart {
  #chart;
  #history;
  #tail;
  #dots = new Dots();
  #fades;
  #legend;
  #cursor;
  #series = null;
  #rows = [];
  #live = [];
  #precision = -1;
  #needOlder = () => {};
  #view = { nowMs: 0, closesInMs: null };
  #toNow;
  #leastDecimals;

  constructor(root, { legend, toNow, leastDecimals = () => -1 }) {
    this.#chart = createChart(root, options());
    this.#history = new Bars(this.#chart, { priceLineVisible: false, lastValueVisible: false });
    this.#tail = new Bars(this.#chart, { priceLineStyle: LineStyle.Dashed });
    this.#fades = new Fades(this.#history);
    this.#legend = new Legend(legend);
    this.#cursor = new Cursor(this.#chart, {
      series: this.#history.series,
      candles: () => [...this.#rows, ...this.#live.map(({ candle }) => candle)],
      onMove: () => this.#showLegend(),
    });
    this.#toNow = toNow;
    this.#leastDecimals = leastDecimals;
    this.#tail.series.attachPrimitive(this.#dots);
    this.#chart.panes()[0].setStretchFactor(0.82);
    this.#chart.panes()[1].setStretchFactor(0.18);
    this.#restyle();
    this.#listen(root);
  }

  onNeedOlder(callback) {
    this.#needOlder = callback;
  }

  /** Starts a series anew: empty, at the newest candle, whatever was looked at before. */
  begin(series) {
    if (this.#series?.symbol !== series.symbol) this.#precision = -1;
    this.#series = series;
    this.#rows = [];
    this.#live = [];
    this.#cursor.leave();
    this.#fades.stop();
    for (const layer of [this.#history, this.#tail, this.#dots]) layer.set([]);
    this.#refine([], this.#leastDecimals(series.symbol));
    const secondsVisible = series.interval.name === "1s";
    const timeVisible = !/[dwM]$/.test(series.interval.name);
    const timeFormatter = (seconds) => fullMoment(seconds * 1000, series.interval.name);
    this.#chart.applyOptions({
      localization: { timeFormatter },
      timeScale: { secondsVisible, timeVisible, barSpacing: BAR_SPACING_PX, rightOffset: RIGHT_OFFSET_BARS },
    });
    this.#chart.priceScale("right").applyOptions({ autoScale: true });
    this.#showLegend();
  }

  /** The same series, its grid now known. */
  learn(series) {
    this.#series = series;
  }

  /** All official candles and the live ones beside them. */
  setHistory(rows, live) {
    const isFirst = this.#rows.length === 0;
    this.#rows = rows;
    this.#fades.stop();
    this.#refine(rows.slice(-SAMPLE_MAX));
    this.#history.set(spaced(this.#series.interval, rows));
    this.setTail(live);
    if (isFirst) this.#chart.timeScale().scrollToPosition(RIGHT_OFFSET_BARS, false);
  }

  /** Some official candles, new or corrected, and the live ones left beside them. */
  change({ appended, replaced }, rows, live) {
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
  setTail(live) {
    const wasEmpty = this.#live.length === 0;
    this.#live = live;
    const bars = live.map(({ candle, state }) => ({ ...candle, state }));
    this.#refine(bars);
    this.#tail.follow(spaced(this.#series.interval, bars, this.#rows.at(-1)?.time ?? null));
    this.#dots.set(bars.filter((bar) => bar.state === "pending"));
    if (wasEmpty !== (live.length === 0)) this.#showLastPrice(live.length === 0);
    this.#tail.colorPriceLine();
    this.#showLegend();
  }

  /** The time as it is now, for the words of the legend. */
  tell(nowMs, closesInMs) {
    this.#view = { nowMs, closesInMs };
    this.#showLegend();
  }

  /** Decimals of the market's prices; -1 before any is known. */
  get precision() {
    return this.#precision;
  }

  /** What the two series hold, read from the chart itself. */
  drawn() {
    return { history: this.#history.drawn, tail: this.#tail.drawn };
  }

  /** A key on the focused chart; false if it means nothing here. */
  key(name) {
    return this.#cursor.key(name);
  }

  #listen(root) {
    this.#chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
      if (range === null) return;
      if (range.from < NEED_OLDER_BARS && this.#rows.length > 0) this.#needOlder();
      this.#toNow.hidden = this.#chart.timeScale().scrollPosition() > -3;
    });
    this.#toNow.addEventListener("click", () => this.#chart.timeScale().scrollToPosition(RIGHT_OFFSET_BARS, false));
    root.addEventListener("dblclick", () => this.#chart.priceScale("right").applyOptions({ autoScale: true }));
    onChange(() => this.#restyle());
  }

  #restyle() {
    const colors = tokens();
    this.#chart.applyOptions(style(colors));
    this.#history.restyle(colors);
    this.#tail.restyle(colors);
    this.#dots.restyle(colors.text);
  }

  /** As many decimals as the market's tick has, or its prices have shown so far; never fewer again. */
  #refine(bars, least = -1) {
    const seen = Math.max(least, ...bars.flatMap((bar) => [bar.open, bar.high, bar.low, bar.close]).map(decimals));
    if (seen <= this.#precision) return;
    this.#precision = seen;
    const priceFormat = { type: "custom", minMove: 10 ** -seen, formatter: (number) => price(number, seen) };
    for (const bars of [this.#history, this.#tail]) bars.series.applyOptions({ priceFormat });
  }

  #showLastPrice(isHistorys) {
    this.#history.series.applyOptions({ priceLineVisible: isHistorys, lastValueVisible: isHistorys });
  }

  #showLegend() {
    if (this.#series === null) return;
    const candle = this.#at(this.#cursor.pointedMs) ?? this.#at(null);
    this.#legend.show(candle, { interval: this.#series.interval.name, precision: this.precision, ...this.#view });
  }

  /** The candle that opens then, with its state; the last one for null. */
  #at(timeMs) {
    const live = this.#live.findLast(({ candle }) => timeMs === null || candle.time === timeMs);
    if (live !== undefined) return { ...live.candle, state: live.state };
    const row = timeMs === null ? this.#rows.at(-1) : this.#history.at(timeMs);
    return row ? { ...row, state: "final" } : null;
  }
}
