// What the chart knows about the truth of its candles: which were corrected, gaps, candles as shown live, the picked one.
// Never here: drawing (truthMarks.ts, loaded when there is something to draw), candles themselves, words.
// Invariant: nothing of it moves a candle or makes one up; a gap is never drawn over a candle that is.

import type { Interval } from "../candles/interval.ts";
import { Marks, without, type Gap } from "../candles/marks.ts";
import type { PointedHole } from "../state/pageState.ts";
import type { ShownState } from "../state/shownCandles.ts";
import type { ThemeColors } from "../ui/theme.ts";
import { toChartTime } from "./chartTime.ts";
import type { Stop } from "./cursor.ts";
import type { Marked, MarksParts, TruthMarks } from "./truthMarks.ts";

interface Timed {
  readonly time: number;
}

export class TruthLayer {
  readonly #parts: MarksParts;
  #marks = new Marks();
  #gaps: readonly Gap[] = [];
  #interval: Interval | null = null;
  #pickedMs: number | null = null;
  #shown: Pick<ShownState, "isOn" | "candles"> = { isOn: false, candles: [] };
  #colors!: ThemeColors; // since the first `restyle`, before anything is drawn
  #drawn: TruthMarks | null = null;
  #isLoading = false;

  constructor(parts: MarksParts) {
    this.#parts = parts;
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
    this.#gaps = this.#gapsBeside(live);
    this.#draw();
  }

  /** The live candles stand elsewhere now. */
  stand(live: readonly Timed[]) {
    const gaps = this.#gapsBeside(live);
    if (gaps.length === this.#gaps.length && gaps.every((gap, at) => gap === this.#gaps[at])) return;
    this.#gaps = gaps;
    this.#draw();
  }

  pick(timeMs: number | null) {
    this.#pickedMs = timeMs;
    this.#draw();
  }

  /** Candles as they were shown, over pale official ones; or the official ones alone. */
  compare(shown: ShownState) {
    this.#shown = shown;
    this.#parts.history.pale(shown.isOn);
    this.#draw();
  }

  restyle(colors: ThemeColors) {
    this.#colors = colors;
    this.#draw();
  }

  /** Panes have come or gone. */
  panesChanged() {
    this.#drawn?.dress();
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
    const scale = this.#parts.chart.timeScale();
    const gaps = this.#gaps.filter(({ startMs }) => scale.timeToIndex(toChartTime(startMs)) !== null);
    return gaps.length === 0 ? candles : [...candles, ...gaps.map(({ startMs }) => ({ time: startMs }))].sort((a, b) => a.time - b.time);
  }

  /** The bands in sight, in pixels. */
  bands(): ReturnType<TruthMarks["bands"]> {
    return this.#drawn?.bands() ?? [];
  }

  /** Where ticks are drawn, in pixels. */
  get ticks(): TruthMarks["ticks"] {
    return this.#drawn?.ticks ?? [];
  }

  #gapsBeside(live: readonly Timed[]): readonly Gap[] {
    return this.#interval === null ? [] : without(this.#marks.gaps, this.#interval, live.map(({ time }) => time));
  }

  get #marked(): Marked {
    return { corrected: this.#marks.corrected, gaps: this.#gaps, pickedMs: this.#pickedMs, shown: this.#shown.candles, colors: this.#colors };
  }

  #draw() {
    if (this.#drawn !== null) this.#drawn.show(this.#marked);
    else if (this.#marks.corrected.length > 0 || this.#gaps.length > 0 || this.#pickedMs !== null || this.#shown.isOn) this.#load();
  }

  /** Where that fails, the next change tries again. */
  #load() {
    if (this.#isLoading) return;
    this.#isLoading = true;
    import("./truthMarks.ts").then(({ TruthMarks: Loaded }) => {
      this.#drawn = new Loaded(this.#parts, this.#marked);
    }, () => { this.#isLoading = false; });
  }
}
