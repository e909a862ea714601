// One set of bars on the chart: a series of the chosen type and the volume histogram below it.
// Never here: which bars there are (the session decides), how a type looks (seriesKinds.ts), the legend.
// Invariant: times in it are unique and ascending; a bar that can't be updated in place is set anew.

import { HistogramSeries, type HistogramSeriesPartialOptions, type IChartApi, type ISeriesApi, type ISeriesPrimitive, type PriceFormatCustom, type SeriesType, type Time } from "lightweight-charts";
import type { Candle, CandleState } from "../candles/candle.ts";
import type { ThemeColors } from "../ui/theme.ts";
import { isBar, isGap, looksSame, type BarPoint, type DrawnCandle } from "./barPoint.ts";
import { toChartTime, toMs } from "./chartTime.ts";
import { heikinAshi, isSameShape, type Shape } from "./heikinAshi.ts";
import { KINDS, shade, sideOf, type SeriesKind } from "./seriesKinds.ts";

/** Opacity of volume by state. */
const VOLUME: Record<CandleState, number> = { final: 0.5, pending: 0.3, forming: 0.18 };

const VOLUME_PANE = 1;

export class Bars {
  readonly #chart: IChartApi;
  readonly #before: Bars | null;
  readonly #volumes: ISeriesApi<"Histogram">;
  readonly #primitives = new Set<ISeriesPrimitive<Time>>();
  #kind: SeriesKind = KINDS.candles;
  #series: ISeriesApi<SeriesType>;
  #format: PriceFormatCustom | null = null;
  #colors!: ThemeColors; // since the first `restyle`, before anything is drawn
  #points: BarPoint[] = [];
  #shapes = new Map<number, Shape>(); // by open time, where they are not the candles' own
  #linked: { readonly candle: DrawnCandle; readonly shape: Shape } | null = null;

  /** `before` are the bars that these go on from, where there are any. */
  constructor(chart: IChartApi, before: Bars | null = null) {
    this.#chart = chart;
    this.#before = before;
    this.#series = this.#kind.add(chart);
    this.#volumes = chart.addSeries(HistogramSeries, volumeOptions(), VOLUME_PANE);
  }

  get points(): readonly BarPoint[] {
    return this.#points;
  }

  /** What the series itself holds, whitespace and what it shares with the bars before it aside. Times in ms. */
  get drawn(): Omit<Candle, "volume">[] {
    const drawn = this.#series.data().flatMap((item) => {
      const time = toMs(item.time);
      if ("close" in item) return [{ time, open: item.open, high: item.high, low: item.low, close: item.close }];
      return "value" in item ? [{ time, open: item.value, high: item.value, low: item.value, close: item.value }] : [];
    });
    return drawn.filter(({ time }) => time !== this.#linked?.candle.time);
  }

  get last(): { readonly candle: DrawnCandle; readonly shape: Shape } | null {
    const candle = this.#points.findLast(isBar);
    return candle === undefined ? null : { candle, shape: this.shape(candle) };
  }

  /** What is drawn for a candle. */
  shape(candle: DrawnCandle): Shape {
    return this.#shapes.get(candle.time) ?? candle;
  }

  /** The first bar that opens then or later, or null. */
  firstFrom(timeMs: number): DrawnCandle | null {
    const at = this.#placeOf(timeMs);
    return this.#points.slice(at, at + 1_000).find(isBar) ?? null;
  }

  /** The top of what is drawn for a candle. */
  top(candle: DrawnCandle): number {
    return this.#kind.isJoined ? candle.close : this.shape(candle).high;
  }

  /** Draws along with the series, whichever type it is. */
  attach(primitive: ISeriesPrimitive<Time>) {
    this.#primitives.add(primitive);
    this.#series.attachPrimitive(primitive);
  }

  format(format: PriceFormatCustom) {
    this.#format = format;
    this.#series.applyOptions({ priceFormat: format });
  }

  /** Another type of chart. */
  become(kind: SeriesKind) {
    const former = this.#series;
    for (const primitive of this.#primitives) former.detachPrimitive(primitive);
    this.#kind = kind;
    this.#series = kind.add(this.#chart);
    if (this.#format !== null) this.format(this.#format);
    this.#series.applyOptions(kind.options(this.#colors));
    this.set(this.#points);
    for (const primitive of this.#primitives) this.#series.attachPrimitive(primitive);
    this.#chart.removeSeries(former);
  }

  /** Nothing is drawn, until `set` or `restyle`; the points are kept. */
  blank() {
    this.#series.setData([]);
    this.#volumes.setData([]);
  }

  restyle(colors: ThemeColors = this.#colors) {
    this.#colors = colors;
    this.#series.applyOptions(this.#kind.options(colors));
    this.set(this.#points);
  }

  /** All points anew: candles (official without a `state`), or `{time}` for whitespace. */
  set(points: BarPoint[]) {
    this.#points = points;
    this.#shapes = this.#averaged(points);
    const link = (this.#linked = this.#link());
    const items = points.map((point, i) => this.#item(point, isGap(points[i + 1])));
    if (link !== null) items.unshift(this.#kind.item(toChartTime(link.candle.time), link.shape, { side: "up", state: "final", isBeforeGap: isGap(points[0]) }, this.#colors));
    this.#series.setData(items);
    this.#volumes.setData(points.map((point) => this.#volume(point)));
  }

  /** Only what differs is touched: cheap at 100,000 bars for the last bar and for new ones. */
  follow(points: BarPoint[]) {
    const gone = this.#goneBefore(points[0]);
    const kept = this.#points.slice(gone);
    const isSame = points.length >= kept.length && kept.every((point, i) => point.time === points[i]!.time && isBar(point) === isBar(points[i]!));
    if (gone < 0 || !isSame || this.#isRejoined(gone, points.length > kept.length)) {
      this.set(points);
      return;
    }
    const before = this.#shapes;
    this.#shapes = this.#averaged(points);
    for (const point of this.#points.slice(0, gone)) if (isBar(point)) this.#draw({ time: point.time }, true);
    points.forEach((point, i) => {
      const former = kept[i];
      if (former === undefined) this.#draw(point, false);
      else if (!looksSame(former, point) || !isSameShape(before.get(point.time), this.#shapes.get(point.time))) this.#draw(point, i < kept.length - 1);
    });
    this.#points = points;
  }

  /** New points after the last one. */
  append(points: readonly BarPoint[]) {
    if (this.#kind.isJoined && points.some((point) => !isBar(point))) {
      this.set([...this.#points, ...points]);
      return;
    }
    for (const [time, shape] of this.#averaged(points, this.last?.shape ?? null)) this.#shapes.set(time, shape);
    for (const point of points) this.#draw(point, false);
    this.#points.push(...points);
  }

  /** New values of a bar that is there. False if none is there. */
  correct(point: DrawnCandle): boolean {
    const at = this.#indexOf(point.time);
    if (at < 0 || !isBar(this.#points[at]!)) return false;
    this.#points[at] = point;
    if (this.#kind.isAveraged) this.set(this.#points); // each bar stands on the ones before it
    else this.#draw(point, at < this.#points.length - 1, isGap(this.#points[at + 1]));
    return true;
  }

  /** The same bar at another opacity of its body, for a fade. */
  shade(point: DrawnCandle, opacity: number) {
    const at = this.#indexOf(point.time);
    if (at < 0 || this.#points[at] !== point || this.#kind !== KINDS.candles) return;
    const side = sideOf(point);
    const color = shade(side === "none" ? this.#colors.muted : this.#colors[side], opacity);
    this.#series.update(opacity < 1 ? { ...this.#item(point), color } : this.#item(point), at < this.#points.length - 1);
  }

  #draw(point: BarPoint, isHistorical: boolean, isBeforeGap = false) {
    this.#series.update(this.#item(point, isBeforeGap), isHistorical);
    this.#volumes.update(this.#volume(point), isHistorical);
  }

  /** The bars' own shapes where their type averages them. */
  #averaged(points: readonly BarPoint[], before = this.#before?.last?.shape ?? null): Map<number, Shape> {
    const shapes = new Map<number, Shape>();
    if (!this.#kind.isAveraged) return shapes;
    let last = before;
    for (const point of points) if (isBar(point)) shapes.set(point.time, (last = heikinAshi(point, last)));
    return shapes;
  }

  /** The bar that a joined line begins with: the last of those before. */
  #link(): { candle: DrawnCandle; shape: Shape } | null {
    const last = this.#kind.isJoined ? (this.#before?.last ?? null) : null;
    const first = this.#points[0];
    return last !== null && first !== undefined && last.candle.time < first.time ? last : null;
  }

  /** Whether a joined line begins elsewhere now, or goes on from where it ended. */
  #isRejoined(gone: number, isLonger: boolean) {
    return this.#kind.isJoined && (gone > 0 || isLonger || this.#link()?.candle !== this.#linked?.candle);
  }

  /** How many points at the start are before `next`; -1 when `next` is before them all. */
  #goneBefore(next: BarPoint | undefined): number {
    if (next === undefined) return this.#points.length;
    if (this.#points.length === 0 || next.time < this.#points[0]!.time) return -1;
    const gone = this.#points.findIndex((point) => point.time >= next.time);
    return gone < 0 ? this.#points.length : gone;
  }

  #item(point: BarPoint, isBeforeGap = false) {
    const time = toChartTime(point.time);
    if (!isBar(point)) return { time };
    const shape = this.shape(point);
    const side = sideOf({ ...shape, volume: point.volume });
    return this.#kind.item(time, shape, { side, state: point.state ?? "final", isBeforeGap }, this.#colors);
  }

  #volume(point: BarPoint) {
    const time = toChartTime(point.time);
    if (!isBar(point)) return { time };
    const side = sideOf(point);
    return { time, value: point.volume, color: shade(side === "none" ? this.#colors.muted : this.#colors[side], VOLUME[point.state ?? "final"]) };
  }

  #indexOf(time: number): number {
    const at = this.#placeOf(time);
    return this.#points[at]?.time === time ? at : -1;
  }

  /** Where a point of that time is, or would have to be. */
  #placeOf(time: number): number {
    let low = 0;
    let high = this.#points.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#points[middle]!.time < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function volumeOptions(): HistogramSeriesPartialOptions {
  return { priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false };
}
