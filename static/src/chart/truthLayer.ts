// What is drawn over the candles about their truth: ticks, gap bands, candles as shown live, the picked one.
// Never here: which marks there are, candles themselves, words.
// Invariant: nothing of it moves a candle or makes one up; a gap is never drawn over a candle that is.

import type { IChartApi } from "lightweight-charts";
import type { Interval } from "../candles/interval.ts";
import { Marks, without, type Gap } from "../candles/marks.ts";
import type { PointedHole } from "../state/pageState.ts";
import type { ShownState } from "../state/shownCandles.ts";
import type { ThemeColors } from "../ui/theme.ts";
import type { Bars } from "./bars.ts";
import type { BarWindow } from "./barWindow.ts";
import { toChartTime } from "./chartTime.ts";
import { CorrectionTicks } from "./correctionTicks.ts";
import type { Stop } from "./cursor.ts";
import { GapBands, bandsOf, type Band } from "./gapBands.ts";
import { PickedLine } from "./pickedLine.ts";
import { ShownCandles } from "./shownCandles.ts";

interface Timed {
  readonly time: number;
}

export class TruthLayer {
  readonly #chart: IChartApi;
  readonly #history: Bars;
  readonly #tail: Bars;
  readonly #ticks: CorrectionTicks;
  readonly #shown = new ShownCandles();
  readonly #bands: readonly GapBands[];
  readonly #lines: readonly PickedLine[];
  #marks = new Marks();
  #gaps: readonly Gap[] = [];
  #interval: Interval | null = null;

  constructor(chart: IChartApi, window: BarWindow, history: Bars, tail: Bars) {
    this.#chart = chart;
    this.#history = history;
    this.#tail = tail;
    this.#ticks = new CorrectionTicks({ low: (timeMs) => window.at(timeMs)?.low ?? null });
    history.attach(this.#ticks);
    history.attach(this.#shown);
    this.#bands = chart.panes().map((_, pane) => new GapBands(() => this.bands(), { hasLabels: pane === 0 }));
    this.#lines = chart.panes().map((_, pane) => new PickedLine({ hasHead: pane === 0 }));
    chart.panes().forEach((pane, at) => {
      pane.attachPrimitive(this.#bands[at]!);
      pane.attachPrimitive(this.#lines[at]!);
    });
  }

  learn(interval: Interval) {
    this.#interval = interval;
  }

  begin(interval: Interval) {
    this.learn(interval);
    this.mark(new Marks(), []);
    this.pick(null);
  }

  /** The marks of the candles; where one of the live ones stands there is no gap. */
  mark(marks: Marks, live: readonly Timed[]) {
    this.#marks = marks;
    this.#ticks.set(marks.corrected);
    this.stand(live);
  }

  /** The live candles stand elsewhere now. */
  stand(live: readonly Timed[]) {
    const gaps = this.#interval === null ? [] : without(this.#marks.gaps, this.#interval, live.map(({ time }) => time));
    const isSame = gaps.length === this.#gaps.length && gaps.every((gap, at) => gap === this.#gaps[at]);
    if (isSame) return;
    this.#gaps = gaps;
    for (const bands of this.#bands) bands.update();
  }

  pick(timeMs: number | null) {
    for (const line of this.#lines) line.set(timeMs);
  }

  /** Candles as they were shown, over pale official ones; or the official ones alone. */
  compare({ isOn, candles }: ShownState) {
    this.#history.pale(isOn);
    this.#shown.set(candles);
  }

  restyle(colors: ThemeColors) {
    this.#ticks.restyle(colors.accent);
    this.#shown.restyle(colors);
    for (const bands of this.#bands) bands.restyle(colors);
    for (const line of this.#lines) line.restyle(colors.accent);
  }

  isCorrected(timeMs: number): boolean {
    return this.#marks.isCorrected(timeMs);
  }

  /** What is known of a place where no candle is. */
  hole(timeMs: number): PointedHole {
    return { time: timeMs, gap: this.#marks.gapAt(timeMs) };
  }

  /** What keys stop at: every candle, and every gap once, if it has a place on the time scale. */
  stops(candles: readonly Stop[]): readonly Stop[] {
    const scale = this.#chart.timeScale();
    const gaps = this.#gaps.filter(({ startMs }) => scale.timeToIndex(toChartTime(startMs)) !== null);
    return gaps.length === 0 ? candles : [...candles, ...gaps.map(({ startMs }) => ({ time: startMs }))].sort((a, b) => a.time - b.time);
  }

  /** The bands in sight, in pixels. */
  bands(): Band[] {
    const points = this.#history.points;
    const [first, last] = [points[0], this.#tail.points.at(-1) ?? points.at(-1)];
    return first === undefined || last === undefined ? [] : bandsOf(this.#chart, this.#gaps, first.time, last.time);
  }

  /** Where ticks are drawn, in pixels. */
  get ticks(): CorrectionTicks["tips"] {
    return this.#ticks.tips;
  }
}
