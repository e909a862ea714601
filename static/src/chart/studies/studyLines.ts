// One study on the chart: its lines, columns, band and levels, drawn from its columns of values.
// Never here: maths, which studies there are, words.
// Invariant: a value stands at its candle's place; where there is none, nothing is drawn, and nothing over a gap.

import type { AutoscaleInfo, ISeriesPrimitiveAxisView } from "lightweight-charts";
import { OUTPUTS, shiftOf, type Output, type Shade } from "../../studies/outputs.ts";
import { COLORS, rulesOf, type Study } from "../../studies/study.ts";
import type { StudySet } from "../../studies/studySet.ts";
import { alpha } from "../../ui/theme.ts";
import type { DrawingTarget } from "../drawing.ts";
import type { StudyColors } from "./studyColors.ts";
import { StudyDrawing } from "./studyDrawing.ts";
import { placesInSight, type Places } from "./placesInSight.ts";

const BAND = 0.08;
const LEVEL = 0.6;
const COLUMN = 0.55;
const COLUMN_PART = 0.6;

export class StudyLines extends StudyDrawing {
  /** A value as it is told. */
  readonly #words: (value: number) => string;

  constructor(study: Study, colors: StudyColors, set: StudySet, words: (value: number) => string) {
    super(study, colors, set, "normal");
    this.#words = words;
  }

  /** The newest value of the first line, at the price axis of a pane of its own. */
  priceAxisViews(): readonly ISeriesPrimitiveAxisView[] {
    const [output, column] = this.#lines.find(([{ look }]) => look === "line") ?? [];
    const value = column?.[this.set.candles.length - 1];
    if (output === undefined || value === undefined || Number.isNaN(value) || rulesOf(this.study.kind).place === "candles") return [];
    const y = this.hold?.series.priceToCoordinate(value) ?? null;
    return y === null ? [] : [{ coordinate: () => y, text: () => this.#words(value), textColor: () => this.colors.bg, backColor: () => this.#color(output.shade, value) }];
  }

  autoscaleInfo(): AutoscaleInfo | null {
    const places = this.#places();
    if (places === null) return null;
    const levels = OUTPUTS[this.study.kind].levels ?? [];
    let [least, most] = [Math.min(Infinity, ...levels), Math.max(-Infinity, ...levels)];
    for (const [output, column] of this.#lines) {
      this.#each(places, output, column, (_, value) => {
        if (value < least) least = value;
        if (value > most) most = value;
      });
    }
    return least <= most ? { priceRange: { minValue: least, maxValue: most } } : null;
  }

  get #lines(): readonly (readonly [Output, Float64Array])[] {
    const columns = this.set.columns(this.study.id);
    return columns === null ? [] : OUTPUTS[this.study.kind].lines.map((output, i) => [output, columns[i]!] as const);
  }

  #places(): Places | null {
    if (this.hold === null) return null;
    const { set } = this;
    const beyond = Math.max(0, ...OUTPUTS[this.study.kind].lines.map((output) => shiftOf(output, this.study)));
    return placesInSight(this.hold.chart, { candles: set.candles, indexOf: (timeMs) => set.indexOf(timeMs) }, beyond);
  }

  /** The values in sight with their places; NaN where there is none, so that lines end. */
  #each(places: Places, output: Output, column: Float64Array, visit: (place: number, value: number) => void) {
    const from = places.first - shiftOf(output, this.study);
    const { length } = this.set.candles;
    for (let i = 0; i < places.x.length; i += 1) visit(i, from + i >= 0 && from + i < length ? column[from + i]! : NaN);
  }

  protected override draw(target: DrawingTarget) {
    const [places, series] = [this.#places(), this.hold?.series];
    if (places === null || series === undefined) return;
    const y = (value: number) => series.priceToCoordinate(value);
    target.useMediaCoordinateSpace(({ context, mediaSize: { width } }) => {
      const { band, levels = [] } = OUTPUTS[this.study.kind];
      context.lineJoin = "round";
      for (const level of levels) this.#level(context, y(level), width);
      const lines = this.#lines;
      if (band !== undefined && lines.length > 0) this.#band(context, places, [lines[band[0]]!, lines[band[1]]!], y);
      for (const [output, column] of lines) {
        if (output.look === "columns") this.#columns(context, places, output, column, y);
        else this.#line(context, places, output, column, y);
      }
    });
  }

  #level(context: CanvasRenderingContext2D, y: number | null, width: number) {
    if (y === null) return;
    context.strokeStyle = alpha(this.colors.muted, LEVEL);
    context.lineWidth = 1;
    context.setLineDash([3, 4]);
    context.beginPath();
    context.moveTo(0, Math.round(y) + 0.5);
    context.lineTo(width, Math.round(y) + 0.5);
    context.stroke();
    context.setLineDash([]);
  }

  #line(context: CanvasRenderingContext2D, places: Places, output: Output, column: Float64Array, y: (value: number) => number | null) {
    context.strokeStyle = this.#color(output.shade, 0);
    context.lineWidth = this.study.style.width;
    context.beginPath();
    let isDown = false;
    this.#each(places, output, column, (i, value) => {
      const at = Number.isNaN(value) ? null : y(value);
      if (at === null) isDown = false;
      else if (isDown && places.isApart[i] === 0) context.lineTo(places.x[i]!, at);
      else context.moveTo(places.x[i]!, at);
      isDown = at !== null;
    });
    context.stroke();
  }

  #columns(context: CanvasRenderingContext2D, places: Places, output: Output, column: Float64Array, y: (value: number) => number | null) {
    const zero = y(0);
    if (zero === null) return;
    const width = Math.max(1, Math.round(places.spacing * COLUMN_PART));
    this.#each(places, output, column, (i, value) => {
      const at = Number.isNaN(value) ? null : y(value);
      if (at === null) return;
      context.fillStyle = alpha(this.#color(output.shade, value), COLUMN);
      context.fillRect(Math.round(places.x[i]! - width / 2), Math.min(at, zero), width, Math.max(1, Math.abs(at - zero)));
    });
  }

  /** Filled between two lines, stretch by stretch. */
  #band(context: CanvasRenderingContext2D, places: Places, [[first, a], [second, b]]: [readonly [Output, Float64Array], readonly [Output, Float64Array]], y: (value: number) => number | null) {
    const [tops, feet] = [new Float64Array(places.x.length), new Float64Array(places.x.length)];
    this.#each(places, first, a, (i, value) => { tops[i] = Number.isNaN(value) ? NaN : (y(value) ?? NaN); });
    this.#each(places, second, b, (i, value) => { feet[i] = Number.isNaN(value) ? NaN : (y(value) ?? NaN); });
    context.fillStyle = alpha(this.#color(0, 0), BAND);
    const isThere = (i: number) => i < tops.length && !Number.isNaN(tops[i]!) && !Number.isNaN(feet[i]!);
    for (let from = 0, to = 0; from < tops.length; from = to) {
      to = from + 1;
      if (!isThere(from)) continue;
      while (isThere(to) && places.isApart[to] === 0) to += 1;
      context.beginPath();
      for (let i = from; i < to; i += 1) context.lineTo(places.x[i]!, tops[i]!);
      for (let i = to - 1; i >= from; i -= 1) context.lineTo(places.x[i]!, feet[i]!);
      context.fill();
    }
  }

  #color(shade: Shade, value: number): string {
    if (shade === "both") return value < 0 ? this.colors.down : this.colors.up;
    if (typeof shade === "string") return this.colors[shade];
    return this.colors[COLORS[(COLORS.indexOf(this.study.style.color) + shade) % COLORS.length]!];
  }
}
