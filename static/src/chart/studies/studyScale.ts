// What studies of one pane stand on: an invisible series that keeps the pane, its price scale and its words.
// Never here: drawing, maths.
// Invariant: its last point is the last bar that the chart has, so that the scale is always known; no point is
// where the chart has no bar.

import { LineSeries, type AutoscaleInfo, type IChartApi, type ISeriesApi, type ISeriesPrimitive, type Time } from "lightweight-charts";
import { toChartTime } from "../chartTime.ts";

/** What the scale is that of: each primitive that says how far its values reach. */
export type Scaled = ISeriesPrimitive<Time> & { readonly autoscaleInfo?: () => AutoscaleInfo | null };

export interface LastBar {
  /** Open time in ms. */
  readonly time: number;
  readonly close: number;
}

/** Fewer than the chart always has before its last bar: an older one would be a place of its own. */
const POINTS_MAX = 100;

export class StudyScale {
  readonly series: ISeriesApi<"Line">;
  readonly #chart: IChartApi;
  readonly #members = new Set<Scaled>();
  #lastMs: number | null = null;
  #points = 0;

  constructor(chart: IChartApi, pane: number, words: ((value: number) => string) | null) {
    this.#chart = chart;
    this.series = chart.addSeries(LineSeries, {
      lineVisible: false, pointMarkersVisible: false, crosshairMarkerVisible: false, lastValueVisible: false, priceLineVisible: false,
      autoscaleInfoProvider: () => this.#range(),
      ...(words === null ? {} : { priceFormat: { type: "custom" as const, minMove: 1e-10, formatter: words } }),
    }, pane);
  }

  attach(member: Scaled) {
    this.#members.add(member);
    this.series.attachPrimitive(member);
  }

  detach(member: Scaled) {
    this.#members.delete(member);
    this.series.detachPrimitive(member);
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  /** The last bar on the chart is now that one; `isNext`: right after the one before. */
  stand(last: LastBar | null, isNext: boolean) {
    if (last?.time === (this.#lastMs ?? undefined)) return;
    const goesOn = isNext && this.#lastMs !== null && this.#points < POINTS_MAX;
    this.#lastMs = last?.time ?? null;
    if (!goesOn && this.#points > 0) {
      this.series.pop(this.#points); // `setData` would have the library sort all times anew
      this.#points = 0;
    }
    if (last === null) return;
    this.series.update({ time: toChartTime(last.time), value: last.close });
    this.#points += 1;
  }

  remove() {
    this.#chart.removeSeries(this.series);
  }

  #range(): AutoscaleInfo | null {
    const ranges = [...this.#members].flatMap((member) => member.autoscaleInfo?.()?.priceRange ?? []);
    if (ranges.length === 0) return null;
    return { priceRange: { minValue: Math.min(...ranges.map((one) => one.minValue)), maxValue: Math.max(...ranges.map((one) => one.maxValue)) } };
  }
}
