// The place where a market begins: a line before its first candle, what it is in words, and nothing behind it.
// Never here: which candle that is, and whether it is the first.
// Invariant: drawn only where the first candle is; the words never lie outside of the pane.

import type { IPrimitivePaneView, ISeriesPrimitive, SeriesAttachedParameter, Time } from "lightweight-charts";
import { alpha, type ThemeColors } from "../ui/theme.ts";
import { toChartTime } from "./chartTime.ts";

/** What lightweight-charts hands to a renderer. */
type DrawingTarget = Parameters<NonNullable<ReturnType<IPrimitivePaneView["renderer"]>>["draw"]>[0];

const FONT = "12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
const GAP_PX = 10;
const ABOVE_BOTTOM_PX = 14;
const DASH_PX = [4, 4];

/** A series primitive of lightweight-charts. */
export class MarketStart implements ISeriesPrimitive<Time> {
  #attached: SeriesAttachedParameter<Time> | null = null;
  #openMs: number | null = null;
  #text = "";
  #colors: ThemeColors | null = null;

  attached(parameters: SeriesAttachedParameter<Time>) {
    this.#attached = parameters;
  }

  detached() {
    this.#attached = null;
  }

  /** The open time of the market's first candle, and what is said there; null: none is known. */
  set(openMs: number | null, text: string) {
    if (openMs === this.#openMs && text === this.#text) return;
    this.#openMs = openMs;
    this.#text = text;
    this.#attached?.requestUpdate();
  }

  restyle(colors: ThemeColors) {
    this.#colors = colors;
    this.#attached?.requestUpdate();
  }

  paneViews(): readonly IPrimitivePaneView[] {
    return [{ zOrder: () => "bottom", renderer: () => ({ draw: (target) => this.#draw(target) }) }];
  }

  #draw(target: DrawingTarget) {
    if (this.#attached === null || this.#openMs === null || this.#colors === null) return;
    const scale = this.#attached.chart.timeScale();
    const middle = scale.timeToCoordinate(toChartTime(this.#openMs));
    if (middle === null) return;
    const x = Math.round(middle - scale.options().barSpacing / 2) - 0.5;
    const { line, muted, text } = this.#colors;
    target.useMediaCoordinateSpace(({ context, mediaSize: { width, height } }) => {
      if (x < 0 || x > width) return;
      context.fillStyle = alpha(line, 0.3);
      context.fillRect(0, 0, x, height);
      context.strokeStyle = muted;
      context.setLineDash(DASH_PX);
      context.beginPath();
      context.moveTo(x, 0);
      context.lineTo(x, height);
      context.stroke();
      context.font = FONT;
      context.fillStyle = text;
      const isRoomBefore = context.measureText(this.#text).width + 2 * GAP_PX < x;
      context.textAlign = isRoomBefore ? "right" : "left";
      context.fillText(this.#text, isRoomBefore ? x - GAP_PX : x + GAP_PX, height - ABOVE_BOTTOM_PX);
    });
  }
}
