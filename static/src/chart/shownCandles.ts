// Candles as the chart had shown them live, outlined over the official ones; what differs stands out.
// Never here: which were shown how, the official candles.
// Invariant: what differs is told by its shape too: a thicker outline and a diamond above.

import type { IPrimitivePaneView, ISeriesPrimitive, SeriesAttachedParameter, Time } from "lightweight-charts";
import type { ShownCandle } from "../state/shownCandles.ts";
import { alpha } from "../ui/theme.ts";
import { toChartTime, toMs } from "./chartTime.ts";
import type { DrawingTarget } from "./drawing.ts";

const BODY_PART = 0.8;
const ABOVE_PX = 9;
const DIAMOND_PX = 4;
const OUTLINE = 0.75;

/** A series primitive of lightweight-charts. */
export class ShownCandles implements ISeriesPrimitive<Time> {
  #attached: SeriesAttachedParameter<Time> | null = null;
  #candles: readonly ShownCandle[] = [];
  #colors = { text: "#000000", accent: "#000000" };

  attached(parameters: SeriesAttachedParameter<Time>) {
    this.#attached = parameters;
  }

  detached() {
    this.#attached = null;
  }

  /** Ascending. */
  set(candles: readonly ShownCandle[]) {
    this.#candles = candles;
    this.#attached?.requestUpdate();
  }

  restyle({ text, accent }: { readonly text: string; readonly accent: string }) {
    this.#colors = { text, accent };
    this.#attached?.requestUpdate();
  }

  paneViews(): readonly IPrimitivePaneView[] {
    return [{ zOrder: () => "top", renderer: () => ({ draw: (target) => this.#draw(target) }) }];
  }

  #draw(target: DrawingTarget) {
    const range = this.#attached?.chart.timeScale().getVisibleRange() ?? null;
    if (this.#attached === null || range === null || this.#candles.length === 0) return;
    const { chart, series } = this.#attached;
    const scale = chart.timeScale();
    const spacing = Math.abs((scale.logicalToCoordinate(1 as never) ?? 0) - (scale.logicalToCoordinate(0 as never) ?? 0));
    const width = Math.max(1, Math.round(spacing * BODY_PART));
    const [fromMs, untilMs] = [toMs(range.from), toMs(range.to)];
    target.useMediaCoordinateSpace(({ context }) => {
      for (const { time, shown, differs } of this.#candles) {
        if (shown === null || time < fromMs || time > untilMs) continue;
        const x = scale.timeToCoordinate(toChartTime(time));
        const [open, high, low, close] = [shown.open, shown.high, shown.low, shown.close].map((price) => series.priceToCoordinate(price));
        if (x === null || open == null || high == null || low == null || close == null) continue;
        const isOff = differs === "prices";
        context.strokeStyle = isOff ? this.#colors.accent : alpha(this.#colors.text, OUTLINE);
        context.lineWidth = isOff ? 2 : 1;
        const [top, bottom] = [Math.min(open, close), Math.max(open, close)];
        context.beginPath();
        context.rect(x - width / 2, top, width, Math.max(1, bottom - top));
        context.moveTo(x, high);
        context.lineTo(x, top);
        context.moveTo(x, bottom);
        context.lineTo(x, low);
        context.stroke();
        if (differs !== "nothing") diamond(context, x, high - ABOVE_PX, isOff);
      }
    });
  }
}

function diamond(context: CanvasRenderingContext2D, x: number, y: number, isFull: boolean) {
  context.beginPath();
  context.moveTo(x, y - DIAMOND_PX);
  context.lineTo(x + DIAMOND_PX, y);
  context.lineTo(x, y + DIAMOND_PX);
  context.lineTo(x - DIAMOND_PX, y);
  context.closePath();
  if (isFull) {
    context.fillStyle = context.strokeStyle;
    context.fill();
  } else {
    context.lineWidth = 1;
    context.stroke();
  }
}
