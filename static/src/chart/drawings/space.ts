// Between time and price and the pixels of the candles' pane, as the chart stands at this moment.
// Never here: which drawings there are, a canvas.
// Invariant: moments between candles, beyond them and on other intervals have a place too; what was put on a place
// comes back from it.

import type { Logical } from "lightweight-charts";
import type { Interval } from "../../candles/interval.ts";
import { momentAt, placeOf, type Times } from "../../candles/places.ts";
import type { Anchor } from "../../drawings/drawing.ts";
import { rounded, type Axes } from "../../drawings/edit.ts";
import type { Px, Size } from "../../drawings/geometry.ts";
import type { ChartInside } from "../chartInside.ts";

export class Space {
  readonly size: Size;
  readonly axes: Axes;
  readonly #series: ChartInside["series"];
  readonly #zeroPx: number;
  readonly #barPx: number;
  readonly #firstGiven: number;

  private constructor({ api, series }: ChartInside, interval: Interval, times: Times & { readonly firstGiven: number }, precision: number) {
    const scale = api.timeScale();
    const [zero, one] = [0, 1].map((index) => scale.logicalToCoordinate(index as Logical) ?? 0);
    this.#series = series;
    this.#zeroPx = zero!;
    this.#barPx = one! - zero!;
    this.#firstGiven = times.firstGiven;
    this.size = { width: scale.width(), height: api.panes()[0]?.getHeight() ?? 0 };
    this.axes = { times, interval, precision };
  }

  /** Null before there is a series with bars. */
  static of(inside: ChartInside, precision: number): Space | null {
    const [interval, times] = [inside.shown().series?.interval, inside.times()];
    return interval === undefined || times.length === 0 ? null : new Space(inside, interval, times, precision);
  }

  /** The width of a bar. */
  get barPx(): number {
    return this.#barPx;
  }

  toPx({ time, price }: Anchor): Px | null {
    const place = placeOf(this.axes.times, this.axes.interval, time);
    const y = this.toY(price);
    return place === null || y === null ? null : { x: this.xOf(place), y };
  }

  toY(price: number): number | null {
    return this.#series.priceToCoordinate(price);
  }

  toPrice(y: number): number | null {
    const price = this.#series.coordinateToPrice(y);
    return price === null ? null : rounded(price, this.axes.precision);
  }

  xOf(place: number): number {
    return this.#zeroPx + (place - this.#firstGiven) * this.#barPx;
  }

  /** The place on the time axis, between bars too. */
  placeAt(x: number): number {
    return (x - this.#zeroPx) / this.#barPx + this.#firstGiven;
  }

  /** The nearest bar's time, or that of where one would be, and the price there; null where no time is. */
  toAnchor({ x, y }: Px): Anchor | null {
    const time = momentAt(this.axes.times, this.axes.interval, Math.round(this.placeAt(x)));
    const price = this.toPrice(y);
    return time === null || price === null ? null : { time: Math.round(time), price };
  }

  /** Whether a place lies in the candles' pane. */
  holds({ x, y }: Px): boolean {
    return x >= 0 && y >= 0 && x <= this.size.width && y <= this.size.height;
  }
}
