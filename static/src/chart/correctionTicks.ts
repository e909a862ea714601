// The small tick under a candle that the exchange corrected after the close.
// Never here: which candles were corrected, both versions.
// Invariant: drawn in the pane's own coordinates, at every zoom and pixel ratio of the same size, and only where it is in sight.

import type { IPrimitivePaneView, ISeriesPrimitive, SeriesAttachedParameter, Time } from "lightweight-charts";
import { toChartTime, toMs } from "./chartTime.ts";
import type { DrawingTarget } from "./drawing.ts";

const BELOW_PX = 5;
const WIDTH_PX = 8;
const HEIGHT_PX = 5;
const LINE_PX = 1.75;

interface Options {
  /** The low of the candle that opens then; null where none is drawn. */
  readonly low: (timeMs: number) => number | null;
}

/** A series primitive of lightweight-charts. */
export class CorrectionTicks implements ISeriesPrimitive<Time> {
  readonly #low: Options["low"];
  #attached: SeriesAttachedParameter<Time> | null = null;
  #times: readonly number[] = [];
  #color = "";

  constructor({ low }: Options) {
    this.#low = low;
  }

  attached(parameters: SeriesAttachedParameter<Time>) {
    this.#attached = parameters;
  }

  detached() {
    this.#attached = null;
  }

  /** Open times, ascending. */
  set(times: readonly number[]) {
    if (times === this.#times) return;
    this.#times = times;
    this.#attached?.requestUpdate();
  }

  restyle(color: string) {
    this.#color = color;
    this.#attached?.requestUpdate();
  }

  paneViews(): readonly IPrimitivePaneView[] {
    return [{ zOrder: () => "top", renderer: () => ({ draw: (target) => this.#draw(target) }) }];
  }

  /** Where the ticks in sight point to, in the pane's pixels. */
  get tips(): { readonly time: number; readonly x: number; readonly y: number }[] {
    const range = this.#attached?.chart.timeScale().getVisibleRange() ?? null;
    if (this.#attached === null || range === null) return [];
    const { chart, series } = this.#attached;
    const [fromMs, untilMs] = [toMs(range.from), toMs(range.to)];
    return this.#times.filter((time) => fromMs <= time && time <= untilMs).flatMap((time) => {
      const low = this.#low(time);
      const x = chart.timeScale().timeToCoordinate(toChartTime(time));
      const y = low === null ? null : series.priceToCoordinate(low);
      return x === null || y === null ? [] : [{ time, x, y: y + BELOW_PX }];
    });
  }

  #draw(target: DrawingTarget) {
    const tips = this.tips;
    if (tips.length === 0) return;
    target.useMediaCoordinateSpace(({ context }) => {
      context.strokeStyle = this.#color;
      context.lineWidth = LINE_PX;
      context.lineJoin = "round";
      context.lineCap = "round";
      for (const { x, y } of tips) {
        context.beginPath();
        context.moveTo(x - WIDTH_PX / 2, y + HEIGHT_PX);
        context.lineTo(x, y);
        context.lineTo(x + WIDTH_PX / 2, y + HEIGHT_PX);
        context.stroke();
      }
    });
  }
}
