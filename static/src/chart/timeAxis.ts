// The time axis in the zone that is shown: where a day, month or year begins, and the words below the lines.
// Never here: which zone that is; the candles' times, which stay what they are.
// Invariant: only weights and words follow the zone; candles of days and more keep the exchange's days.

import { TickMarkType, createChartEx, defaultHorzScaleBehavior, type ChartOptions, type DeepPartial, type IChartApi, type IHorzScaleBehavior, type Time } from "lightweight-charts";
import { UTC, type Zone } from "../candles/zone.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../candles/interval.ts";
import { axisMark, fullMoment, isOfDays } from "../ui/format.ts";
import { shownZone } from "../ui/shownZone.ts";
import { toMs } from "./chartTime.ts";
import { BAR_SPACING_PX, RIGHT_OFFSET_BARS } from "./style.ts";

type Points = Parameters<IHorzScaleBehavior<Time>["fillWeightsForPoints"]>[0];

/** How much a line of the axis weighs by what begins there, as lightweight-charts weighs it (TickMarkWeight); it knows seconds only, not tens of them. */
const [SECOND, SECONDS_5, SECONDS_10, SECONDS_30, YEAR, MONTH, DAY] = [10, 12, 14, 16, 70, 60, 50];
const WITHIN_A_DAY: readonly (readonly [number, number])[] = [
  [12 * HOUR_MS, 33], [6 * HOUR_MS, 32], [3 * HOUR_MS, 31], [HOUR_MS, 30], [30 * MINUTE_MS, 22], [5 * MINUTE_MS, 21], [MINUTE_MS, 20],
  [30 * SECOND_MS, SECONDS_30], [10 * SECOND_MS, SECONDS_10], [5 * SECOND_MS, SECONDS_5], [SECOND_MS, SECOND],
];

const BEGINS = {
  [TickMarkType.Year]: "year", [TickMarkType.Month]: "month", [TickMarkType.DayOfMonth]: "day", [TickMarkType.Time]: "minute", [TickMarkType.TimeWithSeconds]: "second",
} as const;

/** What the library asks about times. */
class ZonedScale extends defaultHorzScaleBehavior() {
  zone: Zone = UTC;

  override fillWeightsForPoints(points: Points, startIndex: number) {
    const first = points[startIndex];
    if (first === undefined) return;
    const at = (index: number) => {
      const ms = toMs(points[index]!.originalTime as Time);
      return ms + this.zone.offsetMs(ms);
    };
    let before = startIndex > 0 ? at(startIndex - 1) : at(0) - (points.length > 1 ? at(1) - at(0) : DAY_MS);
    for (let index = startIndex; index < points.length; index += 1) {
      const now = at(index);
      points[index]!.timeWeight = weight(before, now) as Points[number]["timeWeight"];
      before = now;
    }
  }

  /** The words below a line of the axis. */
  mark(time: Time, type: TickMarkType | undefined): string {
    return axisMark(toMs(time), type === undefined ? "second" : BEGINS[type], this.zone); // the weights that it does not know
  }
}

export class TimeAxis {
  readonly #chart: IChartApi;
  readonly #scale: ZonedScale;
  #interval = "";

  constructor(chart: IChartApi, scale: ZonedScale) {
    this.#chart = chart;
    this.#scale = scale;
  }

  /** Tells the times of candles of that interval, at their first width if it is another market's. */
  open(interval: string, isOther: boolean) {
    this.#interval = interval;
    this.#scale.zone = this.#zone;
    this.#tell();
    this.#chart.timeScale().applyOptions({ secondsVisible: interval === "1s", timeVisible: !isOfDays(interval), rightOffset: RIGHT_OFFSET_BARS, ...(isOther ? { barSpacing: BAR_SPACING_PX } : {}) });
  }

  /** Calls back when all has to be drawn anew: the library weighs only lines of times that are new to it. */
  onChange(redraw: () => void) {
    shownZone.subscribe(() => {
      if (this.#scale.zone === this.#zone) return;
      this.#scale.zone = this.#zone;
      this.#tell(); // the library keeps words that it has asked for until it is told anew how times are told
      redraw();
    });
  }

  #tell() {
    this.#chart.applyOptions({ localization: { timeFormatter: (time: Time) => fullMoment(toMs(time), this.#interval) } });
  }

  get #zone() {
    return isOfDays(this.#interval) ? UTC : shownZone.peek();
  }
}

/** The chart with its time axis. */
export function createZonedChart(root: HTMLElement, options: DeepPartial<ChartOptions>): { chart: IChartApi; times: TimeAxis } {
  const scale = new ZonedScale();
  const tickMarkFormatter = (time: Time, type: TickMarkType | undefined) => scale.mark(time, type);
  const all = { ...options, localization: { dateFormat: "dd MMM 'yy", ...options.localization }, timeScale: { ...options.timeScale, tickMarkFormatter } };
  const chart = createChartEx<Time, ZonedScale>(root, scale, all) as IChartApi;
  return { chart, times: new TimeAxis(chart, scale) };
}

/** What begins between two moments on the wall, as its weight; cheap, for it is asked of every candle there is. */
function weight(before: number, now: number): number {
  if (Math.floor(before / DAY_MS) === Math.floor(now / DAY_MS)) {
    return WITHIN_A_DAY.find(([ms]) => Math.floor(before / ms) !== Math.floor(now / ms))?.[1] ?? 0;
  }
  const [one, two] = [new Date(before), new Date(now)];
  if (one.getUTCFullYear() !== two.getUTCFullYear()) return YEAR;
  return one.getUTCMonth() === two.getUTCMonth() ? DAY : MONTH;
}
