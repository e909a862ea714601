// The price that the UTC day opened at, for the change of the day beside the last price.
// Never here: the candles that are shown.
// Invariant: one request a symbol and day, and never more than one a minute.

const DAY_MS = 86_400_000;
const PAUSE_MS = 60_000;

export class Day {
  #api;
  #clock;
  #isFollowed;
  #symbol = null;
  #candle = null;
  #nextMs = 0;

  /** Without daily candles there is nothing to ask for. */
  constructor({ api, clock, isFollowed }) {
    this.#api = api;
    this.#clock = clock;
    this.#isFollowed = isFollowed;
  }

  open(symbol) {
    if (symbol === this.#symbol) return;
    this.#symbol = symbol;
    this.#candle = null;
    this.#nextMs = 0;
  }

  /** The day's opening price at that exchange time, or null while it is not known. */
  openAt(nowMs) {
    const isCurrent = this.#candle !== null && Math.floor(nowMs / DAY_MS) === Math.floor(this.#candle.time / DAY_MS);
    return isCurrent ? this.#candle.open : null;
  }

  /** Asks if it is not known, and time to. */
  async look(nowMs) {
    if (!this.#isFollowed || this.openAt(nowMs) !== null || this.#clock.now() < this.#nextMs) return;
    this.#nextMs = this.#clock.now() + PAUSE_MS;
    const symbol = this.#symbol;
    const answer = await this.#api.data({ symbol, interval: "1d", limit: 1, live: true }).catch(() => null);
    if (answer === null || symbol !== this.#symbol) return;
    const newest = [...answer.candles, ...answer.live].filter((candle) => candle?.open > 0).at(-1);
    if (newest !== undefined) this.#candle = { time: newest.time, open: newest.open };
  }
}
