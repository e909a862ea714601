// Notices what no event tells: that the page slept, or that it has known too little for too long.
// Never here: what is done about it, a clock of its own.
// Invariant: while the same thing is amiss it asks less and less often.

import { ceiling } from "../net/backoff.ts";

/** So long the server's next candle is waited for before it is asked; twice as long each time after. */
export const PATIENCE_MS = 2_000;
const PATIENCE_MAX_MS = 16_000;

/** Looks come four times a second; after a longer pause timers were held up: sleep, or a hidden tab. */
const PAUSE_MAX_MS = 3_000;

export class StallDetector {
  readonly #onAsk: () => void;
  #lookedMs: number | null = null;
  #amissMs: number | null = null;
  #asked = 0;

  constructor(onAsk: () => void) {
    this.#onAsk = onAsk;
  }

  /** Called again and again with our own clock's time. */
  look(nowMs: number, isAmiss: boolean) {
    const hasSlept = this.#lookedMs !== null && Math.abs(nowMs - this.#lookedMs) > PAUSE_MAX_MS;
    this.#lookedMs = nowMs;
    const amissMs = this.#amissMs ?? nowMs;
    this.#amissMs = isAmiss ? amissMs : null;
    if (!isAmiss) this.#asked = 0;
    const isDue = isAmiss && nowMs - amissMs >= ceiling(PATIENCE_MS, PATIENCE_MAX_MS, this.#asked + 1);
    if (isDue) {
      this.#amissMs = nowMs;
      this.#asked += 1;
    }
    if (hasSlept || isDue) this.#onAsk();
  }
}
