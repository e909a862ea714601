// The live side of one series: what is pending and forming now, the last price, and how fresh all is.
// Never here: official candles beyond their open times, the clock, drawing.
// Invariant: `items` is the merge rule's answer, less what waits beyond a hole; nothing else decides.

import { LiveCandleBuilder } from "./candles/builder.js";
import { Chain } from "./candles/chain.js";
import { isMoment } from "./candles/interval.js";
import { isMissing, tail } from "./candles/merge.js";
import { Missing } from "./candles/missing.js";

export class Live {
  #interval;
  #builder;
  #chain = new Chain();
  #missing = new Missing();

  /** The last price, and the exchange ms when the last news arrived; null before any. */
  price;
  lastNewsMs = null;

  /** How fresh the server says the market is: `{state, since, why}`; null before it has said so. */
  freshness;

  /** The open times of all live candles, those that wait too. */
  times = [];

  /** `before` is the same market's live side at another interval, or null. */
  constructor(interval, before = null) {
    this.price = before?.price ?? null;
    this.freshness = before?.freshness ?? null;
    this.#interval = interval;
    this.#builder = new LiveCandleBuilder(interval);
  }

  /** Candles of an answer, as new as they say they are; and the spans in which it says there are none. */
  load(candles, missing) {
    this.miss(missing);
    for (const fields of candles) {
      if (this.#isMissing(fields?.time) || !this.#builder.addCandle(fields)) continue;
      this.lastNewsMs = Math.max(this.lastNewsMs ?? 0, fields.updated_at);
      this.price = fields.close;
    }
  }

  /** The exchange has no candles in these spans: whatever is held or comes there is dropped. */
  miss(spans) {
    if (!this.#missing.add(spans)) return false;
    const { pending, forming } = this.#builder;
    const held = [...pending, ...(forming === null ? [] : [forming])];
    this.#builder.forget(held.map(({ time }) => time).filter((time) => this.#isMissing(time)));
    return true;
  }

  /** The server's judgement of the market. */
  judge({ state, since, why }) {
    this.freshness = { state, since, why };
  }

  /** A `live_candle` or `live_price` that just arrived. False if it changes nothing. */
  addCandle(candle, nowMs) {
    return !this.#isMissing(candle.time) && this.#builder.addCandle(candle) && this.#news(candle.close, nowMs);
  }

  addPrice(event, nowMs) {
    return this.#builder.addPrice(event) && this.#news(event.price, nowMs);
  }

  /** Candles of the first answer: what it lacks nobody has. */
  begin(candles) {
    const times = candles.map((fields) => fields?.time).filter(isMoment);
    if (times.length > 0) this.#chain.begin(Math.max(...times));
  }

  /** Whether more is known to be than is held: a resync is due if no news brings it. */
  get isAmiss() {
    return this.#builder.isAdrift || this.#chain.isWaiting;
  }

  /** Pending and forming candles beside what is official, `{candle, state}`; `localMs` by any clock. */
  items(history, nowMs, localMs) {
    const { pending, forming } = this.#builder;
    this.times = [];
    if (forming === null) return [];
    const opens = history.opensFrom(pending[0]?.time ?? forming.time);
    const items = tail(this.#interval, opens, pending, forming, nowMs, this.#missing.spans);
    this.times = items.map(({ candle }) => candle.time);
    return this.#chain.shown(this.#interval, history.last?.time ?? null, items, localMs);
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

  #isMissing(time) {
    return isMissing(this.#missing.spans, time);
  }

  #news(price, nowMs) {
    this.price = price;
    this.lastNewsMs = nowMs;
    return true;
  }
}
