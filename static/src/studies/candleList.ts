// The candles that studies are made from: official and live as one list, and what of it has changed.
// Never here: which candle wins (candles/merge.ts decided), maths.
// Invariant: ascending, each open time once; gaps have no candle here, as on any list of candles.

import { sameValues, type Candle, type CandleInState } from "../candles/candle.ts";

/** The candles from `from` up to `oldEnd` have become those from `from` up to `newEnd`; all others are as they were. */
export interface ListChange {
  readonly from: number;
  readonly oldEnd: number;
  readonly newEnd: number;
  readonly oldLength: number;
}

export class CandleList {
  #candles: Candle[] = [];
  #live: readonly Candle[] = [];
  /** How many official ones come first; -1 where a live one stands among them. */
  #official = 0;

  get all(): readonly Candle[] {
    return this.#candles;
  }

  /** Official candles and the live ones beside them; null: nothing has changed. */
  set(official: readonly Candle[], live: readonly CandleInState[]): ListChange | null {
    this.#live = live.map(({ candle }) => candle);
    const isSimple = official.length === 0 || this.#live.length === 0 || this.#live[0]!.time > official.at(-1)!.time;
    this.#official = isSimple ? official.length : -1;
    const all = [...official, ...this.#live];
    return this.#take(isSimple ? all : all.sort((a, b) => a.time - b.time), 0);
  }

  /** The live candles alone; the official ones are as they were. */
  setLive(official: readonly Candle[], live: readonly CandleInState[]): ListChange | null {
    const next = live.map(({ candle }) => candle);
    if (next.length === this.#live.length && next.every((candle, i) => candle === this.#live[i])) return null;
    if (this.#official < 0 || (next.length > 0 && official.length > 0 && next[0]!.time <= official.at(-1)!.time)) return this.set(official, live);
    this.#live = next;
    return this.#take(next, this.#official);
  }

  /** The first index whose candle opens then or later. */
  indexOf(timeMs: number): number {
    let [low, high] = [0, this.#candles.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#candles[middle]!.time < timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** `next` are the candles from `start` on. */
  #take(next: Candle[], start: number): ListChange | null {
    const before = this.#candles;
    const [oldLength, length] = [before.length, start + next.length];
    const at = (index: number) => next[index - start]!;
    const least = Math.min(oldLength, length);
    let from = start;
    while (from < least && isSame(before[from]!, at(from))) from += 1;
    if (from === oldLength && from === length) return null;
    let kept = 0;
    while (kept < least - from && isSame(before[oldLength - 1 - kept]!, at(length - 1 - kept))) kept += 1;
    if (start === 0) this.#candles = next;
    else {
      before.length = from;
      for (let index = from; index < length; index += 1) before.push(at(index));
    }
    return { from, oldEnd: oldLength - kept, newEnd: length - kept, oldLength };
  }
}

function isSame(a: Candle, b: Candle): boolean {
  return a === b || sameValues(a, b);
}
