// Notices what no event tells: that the page slept, or that it has known too little for too long.
// Never here: what is done about it, a clock of its own.
// Invariant: asks at most once in `PATIENCE_MS` for as long as something is amiss.

/** So long the server's next candle is waited for before it is asked. */
export const PATIENCE_MS = 2_000;

/** Looks come four times a second; after a longer pause timers were held up: sleep, or a hidden tab. */
const PAUSE_MAX_MS = 3_000;

export class Watch {
  #onAsk;
  #lookedMs = null;
  #amissMs = null;

  constructor(onAsk) {
    this.#onAsk = onAsk;
  }

  /** Called again and again with our own clock's time. */
  look(nowMs, isAmiss) {
    const hasSlept = this.#lookedMs !== null && Math.abs(nowMs - this.#lookedMs) > PAUSE_MAX_MS;
    this.#lookedMs = nowMs;
    this.#amissMs = isAmiss ? (this.#amissMs ?? nowMs) : null;
    const isDue = this.#amissMs !== null && nowMs - this.#amissMs >= PATIENCE_MS;
    if (isDue) this.#amissMs = nowMs;
    if (hasSlept || isDue) this.#onAsk();
  }
}
