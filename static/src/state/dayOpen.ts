// The price that the UTC day opened at, for the change of the day beside the last price.
// Never here: the candles that are shown.
// Invariant: one request a symbol and day, and never more than one a minute.

import type { Clock } from "../clock.ts";
import { liveOrNull } from "../candles/candle.ts";
import type { Api } from "../net/api.ts";

const DAY_MS = 86_400_000;
const PAUSE_MS = 60_000;

export class DayOpen {
  readonly #api: Pick<Api, "data">;
  readonly #clock: Clock;
  readonly #isFollowed: boolean;
  #symbol: string | null = null;
  #candle: { readonly time: number; readonly open: number } | null = null;
  #nextMs = 0;

  /** Without daily candles there is nothing to ask for. */
  constructor({ api, clock, isFollowed }: { api: Pick<Api, "data">; clock: Clock; isFollowed: boolean }) {
    this.#api = api;
    this.#clock = clock;
    this.#isFollowed = isFollowed;
  }

  open(symbol: string) {
    if (symbol === this.#symbol) return;
    this.#symbol = symbol;
    this.#candle = null;
    this.#nextMs = 0;
  }

  /** The day's opening price at that exchange time, or null while it is not known. */
  openAt(nowMs: number): number | null {
    const candle = this.#candle;
    const isCurrent = candle !== null && Math.floor(nowMs / DAY_MS) === Math.floor(candle.time / DAY_MS);
    return isCurrent ? candle.open : null;
  }

  /** Asks if it is not known, and time to. */
  async look(nowMs: number) {
    if (!this.#isFollowed || this.openAt(nowMs) !== null || this.#clock.now() < this.#nextMs) return;
    this.#nextMs = this.#clock.now() + PAUSE_MS;
    const symbol = this.#symbol;
    if (symbol === null) return;
    const answer = await this.#api.data({ symbol, interval: "1d", limit: 1, live: true }).catch(() => null);
    if (answer === null || symbol !== this.#symbol) return;
    const newest = [...answer.candles, ...answer.live.map(liveOrNull)].filter((candle) => candle !== null).at(-1);
    if (newest !== undefined) this.#candle = { time: newest.time, open: newest.open };
  }
}
