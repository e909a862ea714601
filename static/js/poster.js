// Offers the browser's forming candle to the server, for the time when the server has nothing better.
// Never here: how the candle is built, what the server does with it.
// Invariant: at most one offer in 5 s, one in 30 s after a refusal, none while hidden or not connected.

export const OFFER_EVERY_MS = 5_000;
export const OFFER_PAUSE_MS = 30_000;

export class Poster {
  #api;
  #clock;
  #isAllowed;
  #isBusy = false;
  #nextMs = 0;

  isVisible = true;

  constructor({ api, clock, isAllowed }) {
    this.#api = api;
    this.#clock = clock;
    this.#isAllowed = isAllowed;
  }

  /** Offers the last of the live candles, if it is forming and it is time. */
  async offer(series, item, isUp) {
    if (!this.#isAllowed || !this.isVisible || !isUp || this.#isBusy || item?.state !== "forming") return;
    if (this.#clock.now() < this.#nextMs) return;
    this.#isBusy = true;
    const { time, open, high, low, close, volume } = item.candle;
    const candle = { time, open, high, low, close, volume, isIncomplete: true, source: "client" };
    let pauseMs = OFFER_PAUSE_MS;
    try {
      const answer = await this.#api.save({ symbol: series.symbol, interval: series.interval.name, candle });
      if (answer.status === "saved") pauseMs = OFFER_EVERY_MS;
    } catch (error) {
      pauseMs = Math.max(OFFER_PAUSE_MS, error.retryAfterMs ?? 0);
    }
    this.#nextMs = this.#clock.now() + pauseMs;
    this.#isBusy = false;
  }
}
