// The line of the last price, and its label on the price axis with the time that the candle has left.
// Never here: what the last price is, whether it is live (told).
// Invariant: one line and one label, always there; where the price lies beyond the axis, the label says at which end.

import { LineStyle, type IPriceLine, type IPrimitivePaneView, type ISeriesApi, type ISeriesPrimitive, type SeriesAttachedParameter, type Time } from "lightweight-charts";
import type { Candle } from "../candles/candle.ts";
import { shortCountdown } from "../ui/format.ts";
import type { ThemeColors } from "../ui/theme.ts";
import { sideOf } from "./seriesKinds.ts";

/** What the page knows of the last price beside the candles. */
export interface LastNews {
  readonly isLive: boolean;
  /** How long its candle has left. */
  readonly closesInMs: number | null;
}

/** What stands at the line. `text` is the price in words, `left` the countdown ("" for none). */
interface Shown {
  readonly price: number;
  readonly text: string;
  readonly left: string;
  readonly color: string;
  readonly textColor: string;
}

/** What lightweight-charts hands to a renderer. */
type DrawingTarget = Parameters<NonNullable<ReturnType<IPrimitivePaneView["renderer"]>>["draw"]>[0];

/** The height of a row of the label at the axis' font of 12 px, and where the axis' own words begin. */
const ROW_PX = 17;
const TEXT_PX = 9;
const RADIUS_PX = 2;

export class LastPrice implements ISeriesPrimitive<Time> {
  readonly #line: IPriceLine;
  #attached: SeriesAttachedParameter<Time> | null = null;
  #shown: Shown | null = null;
  news: LastNews = { isLive: false, closesInMs: null };
  colors: Pick<ThemeColors, "bg" | "up" | "down" | "muted"> | null = null;

  constructor(series: ISeriesApi<"Line">) {
    this.#line = series.createPriceLine({ price: 0, lineVisible: false, axisLabelVisible: false, lineStyle: LineStyle.Dashed, lineWidth: 1, color: "", title: "" });
    series.attachPrimitive(this);
  }

  attached(parameters: SeriesAttachedParameter<Time>) {
    this.#attached = parameters;
  }

  detached() {
    this.#attached = null;
  }

  /** The line is at that candle's close; nowhere without one. What is not live is grey and counts nothing down. */
  follow(candle: Candle | null, words: (price: number) => string) {
    const { news: { isLive, closesInMs }, colors } = this;
    if (candle === null || colors === null) {
      this.#show(null);
      return;
    }
    const side = isLive ? sideOf(candle) : "none";
    const left = isLive && closesInMs !== null ? shortCountdown(closesInMs) : "";
    this.#show({ price: candle.close, text: words(candle.close), left, color: side === "none" ? colors.muted : colors[side], textColor: colors.bg });
  }

  get shown(): Shown | null {
    return this.#shown;
  }

  priceAxisPaneViews(): readonly IPrimitivePaneView[] {
    return [{ zOrder: () => "normal", renderer: () => ({ draw: (target) => this.#draw(target) }) }];
  }

  /** A frame is asked for only if anything differs. */
  #show(shown: Shown | null) {
    if (JSON.stringify(shown) === JSON.stringify(this.#shown)) return;
    this.#shown = shown;
    this.#line.applyOptions(shown === null ? { lineVisible: false } : { lineVisible: true, price: shown.price, color: shown.color });
    this.#attached?.requestUpdate();
  }

  /** One box as wide as the axis: the price, below it the time that is left; an arrow if the price is beyond that end. */
  #draw(target: DrawingTarget) {
    const [shown, attached] = [this.#shown, this.#attached];
    const y = shown === null ? null : (attached?.series.priceToCoordinate(shown.price) ?? null);
    if (shown === null || attached === null || y === null) return;
    const { fontSize, fontFamily } = attached.chart.options().layout;
    target.useMediaCoordinateSpace(({ context, mediaSize: { width, height } }) => {
      const rows = [shown.text, `${y < 0 ? "↑ " : y > height ? "↓ " : ""}${shown.left}`].filter((row) => row !== "");
      const top = Math.round(Math.max(0, Math.min(height - rows.length * ROW_PX, y - ROW_PX / 2)));
      context.fillStyle = shown.color;
      context.beginPath();
      context.roundRect(0, top, width - 1, rows.length * ROW_PX, [0, RADIUS_PX, RADIUS_PX, 0]);
      context.fill();
      Object.assign(context, { font: `${fontSize}px ${fontFamily}`, fillStyle: shown.textColor, textAlign: "left", textBaseline: "middle" });
      rows.forEach((row, i) => context.fillText(row, TEXT_PX, top + (i + 0.5) * ROW_PX));
    });
  }
}
