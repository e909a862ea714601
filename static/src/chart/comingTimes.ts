// The times to come, right of the last candle: the axis and the crosshair tell them, though nothing is there yet.
// Never here: candles; what is drawn at those times.
// Invariant: one point has a value, that of the last bar on the chart, so that what hangs on this series is always in its place.

import { LineSeries, type IChartApi, type ISeriesApi, type Time } from "lightweight-charts";
import type { Interval } from "../candles/interval.ts";
import { toChartTime } from "./chartTime.ts";

/** How many candles ahead. */
const AHEAD = 300;

export class ComingTimes {
  readonly series: ISeriesApi<"Line">;
  #lastMs: number | null = null;
  #endMs = 0;
  #isNewest = true;
  #hasGrid = false;

  constructor(chart: IChartApi) {
    this.series = chart.addSeries(LineSeries, {
      lineVisible: false, pointMarkersVisible: false, crosshairMarkerVisible: false, lastValueVisible: false, priceLineVisible: false,
      autoscaleInfoProvider: () => null,
    });
  }

  clear() {
    this.#lastMs = null;
    this.series.setData([]);
  }

  /** The last bar on the chart is now this one; nothing comes after it while newer ones are not on the chart. */
  follow(interval: Interval, last: { readonly time: number; readonly close: number } | null, isNewest: boolean) {
    if (last === null) {
      if (this.#lastMs !== null) this.clear();
      return;
    }
    if (last.time === this.#lastMs && isNewest === this.#isNewest && interval.hasGrid === this.#hasGrid) return;
    const value = { time: toChartTime(last.time), value: last.close };
    const isAhead = isNewest && this.#isNewest && this.#hasGrid && this.#lastMs !== null && last.time > this.#lastMs && last.time < this.#endMs;
    const isAlone = !isNewest && !this.#isNewest && this.#lastMs !== null;
    this.#lastMs = last.time;
    this.#isNewest = isNewest;
    this.#hasGrid = interval.hasGrid;
    if (isAlone) {
      this.series.pop(1); // `setData` would have the library sort all times anew
      this.series.update(value);
      return;
    }
    if (!isAhead) {
      this.series.setData([value, ...this.#points(interval, last.time, isNewest ? AHEAD : 0)]);
      return;
    }
    this.series.update(value, true);
    const missing = AHEAD - interval.count(last.time, this.#endMs);
    for (const point of this.#points(interval, this.#endMs, missing)) this.series.update(point);
  }

  /** So many points after a time; without a grid nobody knows where they are. */
  #points(interval: Interval, afterMs: number, count: number): { time: Time }[] {
    const points: { time: Time }[] = [];
    let timeMs = (this.#endMs = afterMs);
    if (!interval.hasGrid) return points;
    for (let i = 0; i < count; i += 1) points.push({ time: toChartTime((timeMs = interval.nextOpenMs(timeMs))) });
    this.#endMs = timeMs;
    return points;
  }
}
