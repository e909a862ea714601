// The small hollow dot above a candle that closed and still waits for its official version.
// Never here: which candles wait.
// Invariant: drawn in the pane's own coordinates, at every zoom and pixel ratio of the same size.

import type { IPrimitivePaneView, ISeriesPrimitive, SeriesAttachedParameter, Time } from "lightweight-charts";
import type { Candle } from "../candles/candle.ts";
import { toChartTime } from "./chartTime.ts";

/** What lightweight-charts hands to a renderer. */
type DrawingTarget = Parameters<NonNullable<ReturnType<IPrimitivePaneView["renderer"]>>["draw"]>[0];

const RADIUS_PX = 3;
const ABOVE_PX = 9;
const LINE_PX = 1.25;

/** The candle's open time, and the top of what is drawn for it. */
type Marked = Pick<Candle, "time" | "high">;

/** A series primitive of lightweight-charts. */
export class PendingMarkers implements ISeriesPrimitive<Time> {
  #attached: SeriesAttachedParameter<Time> | null = null;
  #candles: readonly Marked[] = [];
  #color = "";

  attached(parameters: SeriesAttachedParameter<Time>) {
    this.#attached = parameters;
  }

  detached() {
    this.#attached = null;
  }

  /** Asks for a new frame only if a dot moves: with 100,000 bars each frame so asked for is dear. */
  set(candles: readonly Marked[]) {
    const isSame = candles.length === this.#candles.length && candles.every((candle, i) => isAt(candle, this.#candles[i]!));
    this.#candles = candles;
    if (!isSame) this.#attached?.requestUpdate();
  }

  restyle(color: string) {
    this.#color = color;
    this.#attached?.requestUpdate();
  }

  paneViews(): readonly IPrimitivePaneView[] {
    return [{ zOrder: () => "top", renderer: () => ({ draw: (target) => this.#draw(target) }) }];
  }

  #draw(target: DrawingTarget) {
    if (this.#attached === null) return;
    const { chart, series } = this.#attached;
    target.useMediaCoordinateSpace(({ context }) => {
      context.strokeStyle = this.#color;
      context.lineWidth = LINE_PX;
      for (const candle of this.#candles) {
        const x = chart.timeScale().timeToCoordinate(toChartTime(candle.time));
        const y = series.priceToCoordinate(candle.high);
        if (x === null || y === null) continue;
        context.beginPath();
        context.arc(x, y - ABOVE_PX, RADIUS_PX, 0, 2 * Math.PI);
        context.stroke();
      }
    });
  }
}

function isAt(a: Marked, b: Marked) {
  return a.time === b.time && a.high === b.high;
}
