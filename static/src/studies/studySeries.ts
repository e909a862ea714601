// The values of one study beside a list of candles: one column an output, one place a candle.
// Never here: one study's maths, when there is time to work, drawing.
// Invariant: a tick costs one replace and a close one more candle; whatever else changes is worked out from
// where it has to be, in pieces, and ends in the values that working all of it out would give.

import type { Candle } from "../candles/candle.ts";
import type { ListChange } from "./candleList.ts";
import type { Calculator, Formula } from "./formula.ts";

/** More new candles at once are worked out in pieces. */
const APPEND_MAX = 50;

/** Candles between two looks at the clock. */
const LOOK_EVERY = 32;

const ROOM_MIN = 1_024;

interface Todo {
  from: number;
  to: number;
  /** Being worked out: fed up to before `at`. */
  work: { readonly calculator: Calculator; at: number } | null;
}

export class StudySeries {
  readonly #formula: Formula;
  readonly #out: Float64Array;
  #columns: Float64Array[];
  #length = 0;
  /** Fed all candles up to the last one; null while that is still to be done. */
  #live: Calculator | null;
  #todo: Todo | null = null;

  constructor(formula: Formula) {
    this.#formula = formula;
    this.#out = new Float64Array(formula.outputs);
    this.#columns = Array.from({ length: formula.outputs }, () => new Float64Array(ROOM_MIN));
    this.#live = formula.create();
  }

  /** One column an output: NaN where there is no value. Longer than `length`; valid until the next change. */
  get columns(): readonly Float64Array[] {
    return this.#columns;
  }

  get length(): number {
    return this.#length;
  }

  get isDone(): boolean {
    return this.#todo === null;
  }

  /** The list of candles has changed. */
  take(candles: readonly Candle[], change: ListChange) {
    this.#move(candles.length, change);
    if (this.#isNext(candles.length, change)) this.#goOn(candles, change);
    else this.#want(candles, change);
  }

  /** Works until all is done or `isOver` says so; true if anything is left. */
  work(candles: readonly Candle[], isOver: () => boolean): boolean {
    const todo = this.#todo;
    if (todo === null) return false;
    todo.work ??= { calculator: this.#formula.create(), at: this.#formula.back(candles, todo.from) };
    const { work } = todo;
    for (let fed = 1; work.at < todo.to; fed += 1) {
      work.calculator.update(candles[work.at]!, false, this.#out);
      if (work.at >= todo.from) this.#write(work.at);
      work.at += 1;
      if (fed % LOOK_EVERY === 0 && isOver()) return work.at < todo.to || this.#finish(work.calculator, todo.to);
    }
    return this.#finish(work.calculator, todo.to);
  }

  #finish(calculator: Calculator, to: number): false {
    if (to === this.#length) this.#live = calculator;
    this.#todo = null;
    return false;
  }

  /** Whether nothing but the last candle and new ones after it has changed, and those before are all fed. */
  #isNext(length: number, { from, newEnd, oldLength }: ListChange): boolean {
    if (this.#live === null || newEnd !== length || length < oldLength || length - from > APPEND_MAX) return false;
    return from >= oldLength || (from === oldLength - 1 && oldLength > this.#formula.young);
  }

  #goOn(candles: readonly Candle[], { from, oldLength }: ListChange) {
    for (let index = from; index < candles.length; index += 1) {
      this.#live!.update(candles[index]!, index < oldLength, this.#out);
      this.#write(index);
    }
  }

  /** What has changed, and all whose value it has a part in, is to be worked out. */
  #want(candles: readonly Candle[], { from, oldEnd, newEnd }: ListChange) {
    const [before, shift] = [this.#todo, newEnd - oldEnd];
    const first = before === null ? from : Math.min(from, before.from);
    const oldTo = before === null ? 0 : before.to < oldEnd ? Math.min(before.to, from) : before.to + shift;
    const to = Math.max(this.#formula.ahead(candles, newEnd), Math.min(candles.length, Math.max(newEnd, oldTo)));
    const goesOn = before?.work != null && before.from <= from && before.work.at <= from;
    this.#todo = { from: first, to, work: goesOn ? before.work : null };
    if (to === candles.length) this.#live = null;
  }

  /** The values after what has changed are moved to where their candles are now. */
  #move(length: number, { oldEnd, newEnd, oldLength }: ListChange) {
    const room = this.#columns[0]?.length ?? 0;
    if (length > room) this.#columns = this.#columns.map((column) => grown(column, Math.max(length, Math.ceil(room * 1.5)), oldLength));
    for (const column of this.#columns) {
      if (newEnd !== oldEnd) column.copyWithin(newEnd, oldEnd, oldLength);
      column.fill(NaN, Math.min(oldEnd, newEnd), newEnd);
    }
    this.#length = length;
  }

  #write(index: number) {
    for (let output = 0; output < this.#out.length; output += 1) this.#columns[output]![index] = this.#out[output]!;
  }
}

function grown(column: Float64Array, room: number, length: number): Float64Array {
  const next = new Float64Array(room);
  next.set(column.subarray(0, length));
  return next;
}
