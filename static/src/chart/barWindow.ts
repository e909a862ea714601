// The stretch of official candles around the view that the chart is given: of 100,000 it holds some thousands.
// Never here: drawing (bars.ts), which points there are.
// Invariant: the view lies within the window, or where no points are; what is seen never moves when the window does.

import type { IChartApi } from "lightweight-charts";
import { isBar, type BarPoint, type DrawnCandle } from "./barPoint.ts";
import type { Bars } from "./bars.ts";
import type { Times } from "../candles/places.ts";

/**
 * Points beside the view that the chart is given: enough for a fling, and few enough that handing them
 * over fits into a frame (8,000 took 55 ms, 2,500 take 11).
 */
const BESIDE_MIN = 1_200;
/** The same in widths of the view. */
const BESIDE_VIEWS = 1.5;
/** With less than this part of them left on one side, the window moves. */
const LEFT_PART = 0.4;
/** So long after a finger has left the glass the chart may glide on. */
const GLIDE_MS = 600;

/** A stretch of the chart's own indices, which begin at the first point that it was given. */
interface LogicalView {
  readonly from: number;
  readonly to: number;
}

export class BarWindow {
  readonly #chart: IChartApi;
  readonly #bars: Bars;
  #points: BarPoint[] = [];
  #from = 0;
  /** While points are handed over the view is of neither the old ones nor the new. */
  #isGiving = false;
  #given: LogicalView | null = null;
  #isHeld = false;
  #glidesUntilMs = 0;
  #isAsked = false;
  /** The chart was given others because the view has moved. */
  onMoved: () => void = () => {};

  /** `root` is where the chart is dragged: while it is, nothing may be taken from under the finger. */
  constructor(chart: IChartApi, bars: Bars, root: HTMLElement) {
    this.#chart = chart;
    this.#bars = bars;
    root.addEventListener("pointerdown", () => { this.#isHeld = true; });
    for (const name of ["pointerup", "pointercancel"] as const) {
      globalThis.addEventListener(name, ({ pointerType }) => {
        if (!this.#isHeld) return;
        this.#isHeld = false;
        this.#glidesUntilMs = pointerType === "mouse" ? 0 : performance.now() + GLIDE_MS;
        setTimeout(() => this.look(), pointerType === "mouse" ? 0 : GLIDE_MS);
      });
    }
  }

  get points(): readonly BarPoint[] {
    return this.#points;
  }

  /** The open times of all points and of those after them, and the index of the first one that the chart is given. */
  times(after: readonly BarPoint[]): Times & { readonly firstGiven: number } {
    const points = this.#points;
    const count = points.length;
    return { length: count + after.length, at: (index) => (index < count ? points[index]! : after[index - count]!).time, firstGiven: this.#from };
  }

  /** Whether the chart is given the newest points: only then may anything stand after them. */
  get isAtEnd(): boolean {
    return this.#to === this.#points.length;
  }

  /** Whether the chart is given the oldest points. */
  get isAtStart(): boolean {
    return this.#from === 0;
  }

  /** How many points lie left of the view, fewer than none where it reaches beyond the first; how many it is wide. */
  get reach(): { readonly left: number; readonly width: number } {
    const { from, to } = this.view ?? { from: 0, to: 0 };
    return { left: this.#from + from, width: to - from };
  }

  /** The open time in the middle of the view; null where there are no points. */
  get middleMs(): number | null {
    const view = this.view;
    if (view === null || this.#points.length === 0) return null;
    return this.#points[clamp(Math.round(this.#from + (view.from + view.to) / 2), 0, this.#points.length - 1)]!.time;
  }

  /** The bar that opens then, given to the chart or not. */
  at(timeMs: number): DrawnCandle | null {
    const point = this.#points[this.#indexOf(timeMs)];
    return point !== undefined && point.time === timeMs && isBar(point) ? point : null;
  }

  /** The first place at that time or after it, given to the chart or not; undefined: none. */
  timeAt(timeMs: number): number | undefined {
    return this.#points[this.#indexOf(timeMs)]?.time;
  }

  /** All points anew; the window stays where the view was, or begins at the end. */
  set(points: BarPoint[]) {
    const wasAtEnd = this.isAtEnd;
    const fromMs = this.#points[this.#from]?.time;
    const length = Math.max(this.#bars.points.length, 2 * BESIDE_MIN);
    this.#points = points;
    const last = Math.max(0, points.length - length);
    this.#give(fromMs === undefined || wasAtEnd ? last : Math.min(last, this.#indexOf(fromMs)), length);
  }

  /** Older points before the first one. */
  prepend(points: readonly BarPoint[]) {
    this.#points = [...points, ...this.#points];
    this.#from += points.length;
    this.look();
  }

  /** New points after the last one. */
  append(points: readonly BarPoint[]) {
    const isAtEnd = this.isAtEnd;
    this.#isGiving = true; // a bar may move the view at once, while the window does not have all of them yet
    this.#points.push(...points);
    if (isAtEnd) this.#bars.append(points);
    this.#isGiving = false;
  }

  /** New values of a bar that is there. False if none is there. */
  correct(point: DrawnCandle): boolean {
    const at = this.#indexOf(point.time);
    if (this.at(point.time) === null) return false;
    this.#points[at] = point;
    return at < this.#from || at >= this.#to || this.#bars.correct(point);
  }

  /**
   * Moves the window if the view has come near one of its ends. Handing points over takes as long as drawing a frame:
   * it has a task of its own, unless the frame to come would show the end itself.
   */
  look() {
    if (this.#wanted() === null) return;
    if (this.#isBeyond) this.#follow();
    else if (!this.#isAsked) {
      this.#isAsked = true;
      setTimeout(() => {
        this.#isAsked = false;
        this.#follow();
      });
    }
  }

  #follow() {
    const [wanted, view] = [this.#wanted(), this.view];
    if (wanted === null || view === null) return;
    this.#move(wanted.from, wanted.to - wanted.from, view);
    this.onMoved();
  }

  /** Where the window should be, if that is elsewhere. */
  #wanted(): { readonly from: number; readonly to: number } | null {
    const view = this.view;
    if (view === null || this.#isGiving || this.#points.length === 0) return null;
    const beside = Math.ceil(Math.max(BESIDE_MIN, BESIDE_VIEWS * (view.to - view.from)));
    const isNearOlder = this.#from > 0 && view.from < LEFT_PART * beside;
    const isNearNewer = !this.isAtEnd && this.#bars.points.length - view.to < LEFT_PART * beside;
    const isTooLong = this.#bars.points.length > 4 * beside + (view.to - view.from);
    if (!isNearOlder && !isNearNewer && !isTooLong) return null;
    const isMoving = this.#isHeld || performance.now() < this.#glidesUntilMs;
    if (isMoving && !isNearOlder) return null; // what is right of the finger stays where it is
    const from = Math.max(0, Math.floor(this.#from + view.from) - beside);
    return { from, to: isMoving ? this.#to : Math.min(this.#points.length, Math.ceil(this.#from + view.to) + beside) };
  }

  /** Whether the view reaches beyond an end of the window, and there are points. */
  get #isBeyond(): boolean {
    const view = this.view;
    return view !== null && ((view.from < 0 && this.#from > 0) || (view.to > this.#bars.points.length && !this.isAtEnd));
  }

  /** Brings the point that opens then, or the next one, into the middle of the view. */
  reveal(timeMs: number) {
    const view = this.view;
    if (view === null || this.#points.length === 0) return;
    const at = Math.min(this.#indexOf(timeMs), this.#points.length - 1);
    const width = view.to - view.from;
    const beside = Math.ceil(Math.max(BESIDE_MIN, BESIDE_VIEWS * width));
    const from = Math.max(0, at - beside);
    this.#give(from, at + beside - from, { from: at - from - width / 2, to: at - from + width / 2 });
  }

  /** Brings places into sight, counted from the first point, also beyond all points. True if the chart was given others for it. */
  show(from: number, to: number): boolean {
    const isGiven = (from >= this.#from || this.isAtStart) && (to <= this.#to || this.isAtEnd);
    if (isGiven) {
      this.#chart.timeScale().setVisibleLogicalRange({ from: from - this.#from, to: to - this.#from });
      return false;
    }
    const beside = Math.ceil(Math.max(BESIDE_MIN, BESIDE_VIEWS * (to - from)));
    const first = clamp(Math.floor(from) - beside, 0, this.#points.length - 1);
    this.#give(first, Math.ceil(to) + beside - first, { from: from - first, to: to - first });
    return true;
  }

  /** The open times at the edges of the view, as far as there are points; null where there are none. */
  get visible(): { readonly fromMs: number; readonly toMs: number } | null {
    const view = this.view;
    if (view === null || this.#points.length === 0) return null;
    const [from, to] = [Math.ceil(view.from), Math.floor(view.to)].map((at) => this.#points[clamp(this.#from + at, 0, this.#points.length - 1)]!.time);
    return { fromMs: from!, toMs: to! };
  }

  /** Gives the chart the newest points again. */
  toEnd() {
    if (!this.isAtEnd) this.#give(Math.max(0, this.#points.length - 2 * BESIDE_MIN), 2 * BESIDE_MIN);
  }

  /** What is seen, or will be with the next frame: until then the chart tells of another stretch of what it was given. */
  get view(): LogicalView | null {
    return this.#given ?? this.#chart.timeScale().getVisibleLogicalRange();
  }

  get #to() {
    return this.#from + this.#bars.points.length;
  }

  #move(from: number, length: number, view: LogicalView) {
    const shift = this.#from - from;
    this.#give(from, length, { from: view.from + shift, to: view.to + shift });
  }

  /** These points, and the view of them if it is not the newest ones'. */
  #give(from: number, length: number, view: LogicalView | null = null) {
    this.#isGiving = true;
    this.#from = from;
    this.#bars.set(this.#points.slice(from, from + length));
    this.#given = view;
    if (view !== null) this.#chart.timeScale().setVisibleLogicalRange(view);
    this.#isGiving = false;
    requestAnimationFrame(() => { if (this.#given === view) this.#given = null; });
  }

  /** Where `timeMs` is, or would have to be inserted. */
  #indexOf(timeMs: number): number {
    let low = 0;
    let high = this.#points.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#points[middle]!.time < timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function clamp(value: number, least: number, most: number) {
  return Math.max(least, Math.min(most, value));
}
