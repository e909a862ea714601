// The live side of one series: what is pending and forming now, the last price, and when news came.
// Never here: official candles beyond their open times, the clock, drawing.
// Invariant: `items` is always the merge rule's answer; nothing else decides what is shown live.

import { LiveCandleBuilder } from "./candles/builder.js";
import { tail } from "./candles/merge.js";

export class Live {
  #interval;
  #builder;

  /** The last price, and the exchange ms when the last news arrived; null before any. */
  price;
  lastNewsMs = null;

  /** `price` is the market's last one, known from another interval. */
  constructor(interval, price = null) {
    this.price = price;
    this.#interval = interval;
    this.#builder = new LiveCandleBuilder(interval);
  }

  /** Candles of an answer: as new as they say they are. */
  load(candles) {
    for (const fields of candles) {
      if (!this.#builder.addCandle(fields)) continue;
      this.lastNewsMs = Math.max(this.lastNewsMs ?? 0, fields.updated_at);
      this.price = fields.close;
    }
  }

  /** A `live_candle` or `live_price` that just arrived. False if it changes nothing. */
  addCandle(candle, nowMs) {
    return this.#builder.addCandle(candle) && this.#news(candle.close, nowMs);
  }

  addPrice(event, nowMs) {
    return this.#builder.addPrice(event) && this.#news(event.price, nowMs);
  }

  /** Pending and forming candles beside what is official, `{candle, state}`. */
  items(history, nowMs) {
    const { pending, forming } = this.#builder;
    if (forming === null) return [];
    const opens = history.opensFrom(pending[0]?.time ?? forming.time);
    return tail(this.#interval, opens, pending, forming, nowMs);
  }

  /** Lets go of what an official candle stands for now. */
  settle(history) {
    const { pending, forming } = this.#builder;
    const firstMs = pending[0]?.time ?? forming?.time ?? Infinity;
    this.#builder.forget(history.opensFrom(firstMs));
  }

  learn(interval) {
    this.#interval = interval;
    this.#builder.learn(interval);
  }

  #news(price, nowMs) {
    this.price = price;
    this.lastNewsMs = nowMs;
    return true;
  }
}
