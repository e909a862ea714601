// The hatched bands where candles are missing, with the reason where there is room for it.
// Never here: which gaps there are, the words (ui/truthWords.ts), candles.
// Invariant: a band lies between the candles beside its gap, however many places the gap has on the time
// axis; proven ones are told from others by their hatching, not by colour alone.

import type { IChartApiBase, IPanePrimitive, IPanePrimitivePaneView, PaneAttachedParameter, Time } from "lightweight-charts";
import { isProven, type Gap } from "../candles/marks.ts";
import { gapWords } from "../ui/gapWords.ts";
import { alpha } from "../ui/theme.ts";
import { toChartTime } from "./chartTime.ts";
import type { DrawingTarget } from "./drawing.ts";

/** A gap without any place of its own is drawn this wide, over the seam of its neighbours. */
const WIDTH_MIN_PX = 6;
const HATCH_PX = 9;
const FILL = 0.06;
const HATCH = 0.3;
const EDGE = 0.45;
const FONT = "12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
const LABEL_PX = 18;
const LABEL_PAD_PX = 6;
const LABEL_BOTTOM_PX = 10;

export interface Band {
  readonly gap: Gap;
  readonly left: number;
  readonly right: number;
}

interface Colors {
  readonly bg: string;
  readonly muted: string;
  readonly text: string;
}

/** The bands in sight, ascending, in pixels of the time scale; `firstMs` and `lastMs`: the first and last candle drawn. */
export function bandsOf(chart: IChartApiBase<Time>, gaps: readonly Gap[], firstMs: number, lastMs: number): Band[] {
  const scale = chart.timeScale();
  const [zero, one] = [0, 1].map((at) => scale.logicalToCoordinate(at as never));
  if (zero == null || one == null) return [];
  const half = (one - zero) / 2;
  const width = scale.width();
  return gaps.flatMap((gap) => {
    if (gap.startMs > lastMs || gap.endMs < firstMs) return [];
    const from = scale.timeToIndex(toChartTime(gap.startMs), true);
    const to = scale.timeToIndex(toChartTime(gap.endMs), true);
    if (from === null || to === null) return [];
    const x = (index: number) => scale.logicalToCoordinate(index as never) ?? 0;
    const left = x(from) - half;
    const right = gap.endMs > lastMs ? x(to) + half : x(to) - half;
    if (right < 0 || left > width) return [];
    if (right - left >= WIDTH_MIN_PX) return [{ gap, left, right }];
    if (gap.startMs < firstMs) return []; // older than all that is drawn: nothing to lie between
    const middle = (left + right) / 2;
    return [{ gap, left: middle - WIDTH_MIN_PX / 2, right: middle + WIDTH_MIN_PX / 2 }];
  });
}

/** A pane primitive of lightweight-charts. */
export class GapBands implements IPanePrimitive<Time> {
  readonly #bands: () => readonly Band[];
  readonly #hasLabels: boolean;
  #attached: PaneAttachedParameter<Time> | null = null;
  #colors: Colors = { bg: "#000000", muted: "#000000", text: "#000000" };

  constructor(bands: () => readonly Band[], { hasLabels }: { readonly hasLabels: boolean }) {
    this.#bands = bands;
    this.#hasLabels = hasLabels;
  }

  attached(parameters: PaneAttachedParameter<Time>) {
    this.#attached = parameters;
  }

  detached() {
    this.#attached = null;
  }

  update() {
    this.#attached?.requestUpdate();
  }

  restyle(colors: Colors) {
    this.#colors = colors;
    this.update();
  }

  paneViews(): readonly IPanePrimitivePaneView[] {
    return [{ zOrder: () => "bottom", renderer: () => ({ draw: (target) => this.#draw(target) }) }];
  }

  #draw(target: DrawingTarget) {
    const bands = this.#bands();
    if (bands.length === 0) return;
    target.useMediaCoordinateSpace(({ context, mediaSize: { width, height } }) => {
      for (const { gap, left, right } of bands) {
        const [from, to] = [Math.max(0, left), Math.min(width, right)];
        if (to <= from) continue;
        this.#hatch(context, gap, { left, right, from, to, height });
        if (this.#hasLabels) this.#label(context, gapWords(gap), from, to, height);
      }
    });
  }

  #hatch(context: CanvasRenderingContext2D, gap: Gap, { left, right, from, to, height }: { left: number; right: number; from: number; to: number; height: number }) {
    const { muted } = this.#colors;
    context.save();
    context.beginPath();
    context.rect(from, 0, to - from, height);
    context.clip();
    context.fillStyle = alpha(muted, FILL);
    context.fillRect(from, 0, to - from, height);
    context.strokeStyle = alpha(muted, HATCH);
    context.lineWidth = 1;
    context.setLineDash(isProven(gap) ? [] : [2, 4]);
    context.beginPath();
    // From the band's own edge on, so that the hatching moves with it.
    const first = left + Math.floor((from - height - left) / HATCH_PX) * HATCH_PX;
    for (let x = first; x < to; x += HATCH_PX) {
      context.moveTo(x, height);
      context.lineTo(x + height, 0);
    }
    context.stroke();
    context.strokeStyle = alpha(muted, EDGE);
    context.beginPath();
    for (const x of [Math.round(left) + 0.5, Math.round(right) - 0.5]) {
      context.moveTo(x, 0);
      context.lineTo(x, height);
    }
    context.stroke();
    context.restore();
  }

  /** Along the band's foot; upright where it is too narrow for that, and not at all where it is narrower still. */
  #label(context: CanvasRenderingContext2D, words: string, from: number, to: number, height: number) {
    context.save();
    context.font = FONT;
    const length = Math.ceil(context.measureText(words).width) + 2 * LABEL_PAD_PX;
    const isFlat = to - from >= length + 4;
    if (isFlat || (to - from >= LABEL_PX && height >= length + 2 * LABEL_BOTTOM_PX)) {
      const [across, up] = isFlat ? [length, LABEL_PX] : [LABEL_PX, length];
      context.translate((from + to) / 2, height - LABEL_BOTTOM_PX - up / 2);
      context.fillStyle = alpha(this.#colors.bg, 0.88);
      context.beginPath();
      context.roundRect(-across / 2, -up / 2, across, up, 4);
      context.fill();
      if (!isFlat) context.rotate(-Math.PI / 2);
      context.fillStyle = this.#colors.text;
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.fillText(words, 0, 0.5);
    }
    context.restore();
  }
}
