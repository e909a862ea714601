// All studies of one chart beside its candles: who is told of what, and when there is time to work.
// Never here: one study's maths, drawing, which studies are chosen; a clock (handed in).
// Invariant: no stretch of work is longer than its budget; a tick and a close are done at once, in the frame of their candle.

import type { Candle, CandleInState } from "../candles/candle.ts";
import { CandleList, type ListChange } from "./candleList.ts";
import { formulaOf } from "./indicators.ts";
import { OUTPUTS, shiftOf } from "./outputs.ts";
import { StudySeries } from "./studySeries.ts";
import type { Study } from "./study.ts";

/** One stretch of work: short enough that a frame still has room for the chart. */
const BUDGET_MS = 8;

interface StudySetParts {
  /** Milliseconds that only grow. */
  readonly now: () => number;
  /** Calls back soon, after what waits to be drawn or heard. */
  readonly soon: (work: () => void) => void;
  /** Values have changed. */
  readonly onChange: () => void;
}

interface Kept {
  readonly key: string;
  readonly series: StudySeries;
}

export class StudySet {
  readonly #parts: StudySetParts;
  readonly #list = new CandleList();
  #kept = new Map<string, Kept>(); // by the study's id
  #isAsked = false;

  constructor(parts: StudySetParts) {
    this.#parts = parts;
  }

  get candles(): readonly Candle[] {
    return this.#list.all;
  }

  /** The studies there are now; those whose maths is the same keep their values. */
  choose(studies: readonly Study[]) {
    const before = this.#kept;
    this.#kept = new Map(studies.flatMap((study) => {
      const key = JSON.stringify([study.kind, study.inputs]);
      const kept = before.get(study.id);
      if (kept?.key === key) return [[study.id, kept]];
      const formula = formulaOf(study);
      if (formula === null) return [];
      const series = new StudySeries(formula);
      series.take(this.candles, { from: 0, oldEnd: 0, newEnd: this.candles.length, oldLength: 0 });
      return [[study.id, { key, series }]];
    }));
    this.#goOn();
  }

  /** All candles, whatever of them has changed. */
  set(official: readonly Candle[], live: readonly CandleInState[]) {
    this.#changed(this.#list.set(official, live));
  }

  /** The live candles; the official ones are as they were. */
  setLive(official: readonly Candle[], live: readonly CandleInState[]) {
    this.#changed(this.#list.setLive(official, live));
  }

  /** One column an output; null for a study that has none. */
  columns(id: string): readonly Float64Array[] | null {
    return this.#kept.get(id)?.series.columns ?? null;
  }

  /** What stands at the candle that opens then, an output each; null where nothing does. */
  valuesAt(study: Study, timeMs: number): readonly (number | null)[] {
    const at = this.#list.indexOf(timeMs);
    const isThere = this.candles[at]?.time === timeMs;
    const [columns, { length }] = [this.columns(study.id), this.candles];
    return OUTPUTS[study.kind].lines.map((output, i) => {
      const from = at - shiftOf(output, study);
      const value = isThere && from >= 0 && from < length ? columns?.[i]?.[from] : undefined;
      return value === undefined || Number.isNaN(value) ? null : value;
    });
  }

  /** The first index whose candle opens then or later. */
  indexOf(timeMs: number): number {
    return this.#list.indexOf(timeMs);
  }

  /** Whether all values are worked out. */
  get isDone(): boolean {
    return [...this.#kept.values()].every(({ series }) => series.isDone);
  }

  #changed(change: ListChange | null) {
    if (change === null) return;
    for (const { series } of this.#kept.values()) series.take(this.candles, change);
    this.#goOn();
  }

  /** What is not worked out yet has tasks of its own: the one that brought the candles has enough to do. */
  #goOn() {
    const { soon, onChange } = this.#parts;
    onChange();
    if (this.isDone || this.#isAsked) return;
    this.#isAsked = true;
    soon(() => {
      this.#isAsked = false;
      this.#work();
    });
  }

  #work() {
    const { now } = this.#parts;
    const endMs = now() + BUDGET_MS;
    const isOver = () => now() >= endMs;
    for (const { series } of this.#kept.values()) {
      if (!series.isDone && (series.work(this.candles, isOver) || isOver())) break;
    }
    this.#goOn();
  }
}
