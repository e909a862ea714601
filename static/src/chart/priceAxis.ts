// The price axis: plain, logarithmic or in percent, upside down, following the candles or held by hand.
// Never here: which of these is chosen; prices' words (ui/format.ts).
// Invariant: percent are those since the first candle in sight; the candles' places are the same as on a plain axis.

import { PriceScaleMode, type IChartApi, type PriceFormatCustom } from "lightweight-charts";
import { decimals, type Candle } from "../candles/candle.ts";
import type { ScaleMode } from "../state/preferences.ts";
import { change, price } from "../ui/format.ts";

/** How the axis is wanted. */
export interface AxisChoice {
  readonly mode: ScaleMode;
  readonly isInverted: boolean;
  readonly isAuto: boolean;
}

/** Candles looked at for the number of decimals. */
const SAMPLE_MAX = 2_000;

export class PriceAxis {
  readonly #chart: IChartApi;
  readonly #format: (format: PriceFormatCustom) => void;
  #choice: AxisChoice = { mode: "normal", isInverted: false, isAuto: true };
  #precision = -1;
  #base: number | null = null;

  /** `format` is told how prices are written, whenever that changes. */
  constructor(chart: IChartApi, format: (format: PriceFormatCustom) => void) {
    this.#chart = chart;
    this.#format = format;
  }

  /** A double click lets it follow again; whatever was done there, `onAuto` hears whether it follows now. */
  listen(root: HTMLElement, onAuto: (isFollowing: boolean) => void) {
    root.addEventListener("dblclick", () => this.follow());
    for (const end of ["pointerup", "dblclick"]) root.addEventListener(end, () => requestAnimationFrame(() => onAuto(this.isFollowing)));
  }

  choose(choice: AxisChoice) {
    this.#choice = choice;
    const mode = choice.mode === "log" ? PriceScaleMode.Logarithmic : PriceScaleMode.Normal;
    this.#scale.applyOptions({ mode, invertScale: choice.isInverted, autoScale: choice.isAuto });
    this.#write();
  }

  /** Decimals of the market's prices; -1 before any is known. */
  get precision(): number {
    return this.#precision;
  }

  /** Another market, whose prices have at least so many decimals (-1: not known). */
  open(least: number) {
    this.#precision = -1;
    this.learn([], least);
  }

  /** As many decimals as the market's tick has, or its prices have shown so far; never fewer again. */
  learn(candles: readonly Candle[], least = -1) {
    const seen = Math.max(least, ...candles.slice(-SAMPLE_MAX).flatMap(({ open, high, low, close }) => [open, high, low, close]).map(decimals));
    if (seen <= this.#precision) return;
    this.#precision = seen;
    this.#write();
  }

  /** The first candle in sight closed at that price. */
  rebase(base: number | null) {
    if (base === this.#base) return;
    this.#base = base;
    if (this.#choice.mode === "percent") this.#write();
  }

  /** Follows the candles, until the choice says otherwise or somebody drags it. */
  follow() {
    this.#scale.applyOptions({ autoScale: true });
  }

  /** Once candles are there: held as it is, if that was chosen. */
  settle() {
    if (!this.#choice.isAuto) this.#scale.applyOptions({ autoScale: false });
  }

  get isFollowing(): boolean {
    return this.#scale.options().autoScale;
  }

  words(value: number): string {
    return this.#choice.mode === "percent" && this.#base !== null ? change(this.#base, value) : price(value, this.#shown);
  }

  get #scale() {
    return this.#chart.priceScale("right");
  }

  get #shown() {
    return Math.max(0, this.#precision);
  }

  #write() {
    this.#format({ type: "custom", minMove: 10 ** -this.#shown, formatter: (value: number) => this.words(value) });
  }
}
