// The exchange's time, as far as the page can know it: its own clock, set right by the server's answers.
// Never here: a clock of its own, words.
// Invariant: right within half a round trip; never runs backwards, but for an error that was proven.

import type { Clock } from "../clock.ts";

/** A step back smaller than this is waited out. */
const STEP_BACK_MAX_MS = 5_000;

export class ServerClock {
  readonly #clock: Clock;
  #offsetMs = 0;
  #latestMs = 0;

  /** Whether an answer has told the time to the ms. */
  isKnown = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Our own clock's time. */
  get localMs() {
    return this.#clock.now();
  }

  /** The exchange's time. */
  now() {
    const nowMs = this.toExchange(this.localMs);
    const isHeld = nowMs < this.#latestMs && this.#latestMs - nowMs < STEP_BACK_MAX_MS;
    if (!isHeld) this.#latestMs = nowMs;
    return this.#latestMs;
  }

  /** A moment of our own clock as the exchange's. */
  toExchange(localMs: number) {
    return Math.round(localMs + this.#offsetMs);
  }

  /** The whole second of an answer's header: better than nothing. */
  guess(serverMs: number) {
    if (!this.isKnown) this.#offsetMs = serverMs - this.#clock.now();
  }

  /** The server said `serverMs` at some moment between the two: what fits already is kept. */
  learn(serverMs: number, sentMs: number, receivedMs: number) {
    const [least, most] = [serverMs - receivedMs, serverMs - sentMs];
    const middle = (least + most) / 2;
    this.#offsetMs = this.isKnown ? Math.min(most, Math.max(least, this.#offsetMs)) : middle;
    this.isKnown = true;
  }
}
