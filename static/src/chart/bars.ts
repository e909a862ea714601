// One set of bars on the chart: a candlestick series and the volume histogram below it.
// Never here: which bars there are (the session decides), the legend, requests.
// Invariant: times in it are unique and ascending; a bar that can't be updated in place is set anew.

import {
  CandlestickSeries, HistogramSeries,
  type CandlestickData, type CandlestickSeriesPartialOptions, type HistogramData, type HistogramSeriesPartialOptions, type IChartApi,
  type ISeriesApi, type Time, type WhitespaceData,
} from "lightweight-charts";
import { sameValues, type Candle, type CandleState } from "../candles/candle.ts";
import type { Whitespace } from "../candles/whitespace.ts";
import { alpha, type ThemeColors } from "../ui/theme.ts";
import { toChartTime, toMs } from "./chartTime.ts";

/** A candle to be drawn; official ones may come without a `state`. */
export type DrawnCandle = Candle & { readonly state?: CandleState };
export type BarPoint = DrawnCandle | Whitespace;

type Shades = Record<CandleState, { readonly body: string; readonly volume: string }>;

/** Opacity of body and volume by state; outline and wick are always full. */
const BODY: Record<CandleState, number> = { final: 1, pending: 0.45, forming: 0.25 };
const VOLUME: Record<CandleState, number> = { final: 0.5, pending: 0.3, forming: 0.18 };

/** Opacity of bodies, and of outlines and wicks, under candles as they were shown. */
const PALE_BODY = 0.22;
const PALE_LINE = 0.5;

const VOLUME_PANE = 1;

export class Bars {
  readonly #candles: ISeriesApi<"Candlestick">;
  readonly #volumes: ISeriesApi<"Histogram">;
  #colors!: ThemeColors; // since the first `restyle`, before anything is drawn
  #shades!: Record<"up" | "down", Shades>; // side → state → colours of body and volume, made once for 100,000 bars
  #lineColor = "";
  #points: BarPoint[] = [];
  #isPale = false;

  constructor(chart: IChartApi, options: CandlestickSeriesPartialOptions) {
    this.#candles = chart.addSeries(CandlestickSeries, { borderVisible: true, ...options });
    this.#volumes = chart.addSeries(HistogramSeries, volumeOptions(), VOLUME_PANE);
  }

  get series(): ISeriesApi<"Candlestick"> {
    return this.#candles;
  }

  get volumes(): ISeriesApi<"Histogram"> {
    return this.#volumes;
  }

  get points(): readonly BarPoint[] {
    return this.#points;
  }

  /** What the candlestick series itself holds, whitespace aside. Times in ms. */
  get drawn(): Omit<Candle, "volume">[] {
    const bars = this.#candles.data().filter((bar) => "close" in bar);
    return bars.map(({ time, open, high, low, close }) => ({ time: toMs(time), open, high, low, close }));
  }

  restyle(colors: ThemeColors) {
    this.#colors = colors;
    this.#shades = { up: shades(colors.up), down: shades(colors.down) };
    this.#paint();
    this.set(this.#points);
    this.colorPriceLine();
  }

  /** Official candles pale, for others drawn over them; or in full. */
  pale(isPale: boolean) {
    if (isPale === this.#isPale) return;
    this.#isPale = isPale;
    this.#paint();
  }

  /** All points anew: candles (official without a `state`), or `{time}` for whitespace. */
  set(points: BarPoint[]) {
    this.#points = points;
    this.#candles.setData(points.map((point) => this.#bar(point)));
    this.#volumes.setData(points.map((point) => this.#volume(point)));
  }

  /** Only what differs is touched: cheap at 100,000 bars for the last bar and for new ones. */
  follow(points: BarPoint[]) {
    const gone = this.#goneBefore(points[0]);
    const kept = this.#points.slice(gone);
    const isSame = points.length >= kept.length && kept.every((point, i) => point.time === points[i]!.time);
    if (gone < 0 || !isSame) {
      this.set(points);
      return;
    }
    for (const point of this.#points.slice(0, gone)) if (isBar(point)) this.#draw({ time: point.time }, true);
    points.forEach((point, i) => {
      const before = kept[i];
      if (before === undefined) this.#draw(point, false);
      else if (!looksSame(before, point)) this.#draw(point, i < kept.length - 1);
    });
    this.#points = points;
  }

  /** New points after the last one. */
  append(points: readonly BarPoint[]) {
    for (const point of points) this.#draw(point, false);
    this.#points.push(...points);
  }

  /** New values of a bar that is there. False if none is there. */
  correct(point: DrawnCandle): boolean {
    const at = this.#indexOf(point.time);
    if (at < 0 || !isBar(this.#points[at]!)) return false;
    this.#points[at] = point;
    this.#draw(point, at < this.#points.length - 1);
    return true;
  }

  /** The line of the last price in the last bar's full colour, however pale its body is. */
  colorPriceLine() {
    const last = this.#points.at(-1);
    const color = last !== undefined && isBar(last) ? this.#colors[this.#side(last)] : "";
    if (color === this.#lineColor) return;
    this.#lineColor = color;
    this.#candles.applyOptions({ priceLineColor: color });
  }

  /** The same bar at another opacity of its body, for a fade. */
  shade(point: DrawnCandle, opacity: number) {
    const at = this.#indexOf(point.time);
    if (at < 0 || this.#points[at] !== point) return;
    const bar = { ...this.#bar(point), color: alpha(this.#colors[this.#side(point)], opacity) };
    this.#candles.update(opacity < 1 ? bar : this.#bar(point), at < this.#points.length - 1);
  }

  #paint() {
    const shade = (color: string, opacity: number) => (this.#isPale ? alpha(color, opacity) : color);
    const [up, down] = [this.#colors.up, this.#colors.down];
    this.#candles.applyOptions({
      upColor: shade(up, PALE_BODY), downColor: shade(down, PALE_BODY), borderUpColor: shade(up, PALE_LINE), borderDownColor: shade(down, PALE_LINE),
      wickUpColor: shade(up, PALE_LINE), wickDownColor: shade(down, PALE_LINE),
    });
  }

  #draw(point: BarPoint, isHistorical: boolean) {
    this.#candles.update(this.#bar(point), isHistorical);
    this.#volumes.update(this.#volume(point), isHistorical);
  }

  /** How many points at the start are before `next`; -1 when `next` is before them all. */
  #goneBefore(next: BarPoint | undefined): number {
    if (next === undefined) return this.#points.length;
    if (this.#points.length === 0 || next.time < this.#points[0]!.time) return -1;
    const gone = this.#points.findIndex((point) => point.time >= next.time);
    return gone < 0 ? this.#points.length : gone;
  }

  #bar(point: BarPoint): CandlestickData<Time> | WhitespaceData<Time> {
    const time = toChartTime(point.time);
    if (!isBar(point)) return { time };
    const { open, high, low, close, state = "final" } = point;
    if (state === "final") return { time, open, high, low, close };
    return { time, open, high, low, close, color: this.#shades[this.#side(point)][state].body };
  }

  #volume(point: BarPoint): HistogramData<Time> | WhitespaceData<Time> {
    const time = toChartTime(point.time);
    if (!isBar(point)) return { time };
    return { time, value: point.volume, color: this.#shades[this.#side(point)][point.state ?? "final"].volume };
  }

  #side({ open, close }: Candle): "up" | "down" {
    return close >= open ? "up" : "down";
  }

  #indexOf(time: number): number {
    let low = 0;
    let high = this.#points.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#points[middle]!.time < time) low = middle + 1;
      else high = middle;
    }
    return this.#points[low]?.time === time ? low : -1;
  }
}

function volumeOptions(): HistogramSeriesPartialOptions {
  return { priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false };
}

function shades(color: string): Shades {
  const states = Object.keys(BODY) as CandleState[];
  return Object.fromEntries(states.map((state) => [state, { body: alpha(color, BODY[state]), volume: alpha(color, VOLUME[state]) }])) as Shades;
}

export function isBar(point: BarPoint): point is DrawnCandle {
  return "close" in point;
}

function looksSame(a: BarPoint, b: BarPoint) {
  if (!isBar(a) || !isBar(b)) return isBar(a) === isBar(b);
  return a.state === b.state && sameValues(a, b);
}
