// What is shown of the live candles: the unbroken chain behind what was shown, or a hole that stayed.
// Never here: which candles there are (`merge`), asking for those that are missing, a clock.
// Invariant: a candle that was shown is shown on; one beyond a new hole waits for a while at most.

import type { CandleInState } from "./candle.ts";
import type { Interval } from "./interval.ts";
import { firstHole } from "./whitespace.ts";

/** How long candles beyond a hole wait: longer than official ones mostly take to arrive. */
export const PATIENCE_MS = 10_000;

export class VisibleTail {
  #shownMs: number | null = null;
  #sinceMs: number | null = null;

  /** Whether candles wait now. */
  get isWaiting() {
    return this.#sinceMs !== null;
  }

  /** Candles of one answer: what it lacks up to that time nobody has. Only the first one is believed. */
  begin(timeMs: number) {
    this.#shownMs ??= timeMs;
  }

  /** The `items` (`{candle}`, ascending) to show behind the last official one, at any clock's `nowMs`. */
  shown(interval: Interval, officialMs: number | null, items: CandleInState[], nowMs: number): CandleInState[] {
    const newestMs = items.at(-1)?.candle.time ?? null;
    if (newestMs === null) return items;
    const fromMs = Math.max(this.#shownMs ?? -1, officialMs ?? -1);
    const holeMs = firstHole(interval, fromMs < 0 ? items[0].candle.time : fromMs, items.map(({ candle }) => candle.time));
    const sinceMs = this.#sinceMs ?? nowMs;
    if (holeMs === null || nowMs - sinceMs >= PATIENCE_MS) {
      this.#sinceMs = null;
      this.#shownMs = Math.max(fromMs, newestMs);
      return items;
    }
    this.#sinceMs = sinceMs;
    const linked = items.filter(({ candle }) => candle.time < holeMs);
    this.#shownMs = Math.max(fromMs, linked.at(-1)?.candle.time ?? -1);
    return linked;
  }
}
