// What is shown of the live candles: the unbroken chain behind what was shown, or a hole that stayed.
// Never here: which candles there are (`merge`), asking for those that are missing, a clock.
// Invariant: a candle that was shown is shown on; one beyond a new hole waits for a while at most.

import { firstHole } from "./holes.js";

/** How long candles beyond a hole wait: longer than official ones mostly take to arrive. */
export const PATIENCE_MS = 10_000;

export class Chain {
  #shownMs = null;
  #sinceMs = null;

  /** Whether candles wait now. */
  get isWaiting() {
    return this.#sinceMs !== null;
  }

  /** Candles of one answer: what it lacks up to that time nobody has. Only the first one is believed. */
  begin(timeMs) {
    this.#shownMs ??= timeMs;
  }

  /** The `items` (`{candle}`, ascending) to show behind the last official one, at any clock's `nowMs`. */
  shown(interval, officialMs, items, nowMs) {
    const newestMs = items.at(-1)?.candle.time ?? null;
    if (newestMs === null) return items;
    const fromMs = Math.max(this.#shownMs ?? -1, officialMs ?? -1);
    const holeMs = firstHole(interval, fromMs < 0 ? items[0].candle.time : fromMs, items.map(({ candle }) => candle.time));
    this.#sinceMs = holeMs === null ? null : (this.#sinceMs ?? nowMs);
    if (holeMs === null || nowMs - this.#sinceMs >= PATIENCE_MS) {
      this.#sinceMs = null;
      this.#shownMs = Math.max(fromMs, newestMs);
      return items;
    }
    const linked = items.filter(({ candle }) => candle.time < holeMs);
    this.#shownMs = Math.max(fromMs, linked.at(-1)?.candle.time ?? -1);
    return linked;
  }
}
