// The forming candle in the browser: the server's live candles, moved on by the prices between them.
// Never here: a clock, a socket, the DOM. Events come in, candles are read out.
// Invariant: forward only, and no trade counts twice: an older event never changes a newer candle.

import { add, liveOrNull } from "./candle.js";
import { isMoment } from "./interval.js";

/** Closed candles kept until their official version is here (the server keeps as many). */
export const PENDING_MAX = 50;

/** Price events kept to put them on top of a server candle that is older than they are. */
export const PRICES_MAX = 64;

export class LiveCandleBuilder {
  #bases = new Map(); // open time → the newest candle the server sent
  #candles = new Map(); // open time → the same, with later prices on top
  #prices = []; // recent price events, ascending by timestamp

  constructor(interval) {
    this.interval = interval;
  }

  /** The newest candle, or null. Whether it still forms is the merge rule's to say. */
  get forming() {
    return this.#candles.get(this.#newestMs()) ?? null;
  }

  /** The candles before the newest, oldest first. */
  get pending() {
    const newestMs = this.#newestMs();
    return [...this.#candles.values()].filter((candle) => candle.time < newestMs).sort((a, b) => a.time - b.time);
  }

  /** Takes a live candle from the server. False if it is junk, off the grid or older than known. */
  addCandle(fields) {
    const candle = liveOrNull(fields);
    if (candle === null || !this.#isOnGrid(candle.time)) return false;
    const base = this.#bases.get(candle.time);
    if (base && (base.updated_at > candle.updated_at || (base.is_complete && !candle.is_complete))) return false;
    this.#bases.set(candle.time, candle);
    this.#candles.set(candle.time, candle);
    if (!candle.is_complete && candle.time === this.#newestMs()) this.#replay(candle);
    this.#trim();
    return true;
  }

  /** Takes a `live_price`: what traded since the last one. False if it changes nothing. */
  addPrice({ price, timestamp, high, low, volume, trades }) {
    const event = { price, timestamp, high, low, volume, trades, since: this.#prices.at(-1)?.timestamp ?? null };
    if (!isUsable(event) || (event.since !== null && timestamp < event.since)) return false;
    if (this.#isKnown(event)) return false;
    this.#prices.push(event);
    if (this.#prices.length > PRICES_MAX) this.#prices.shift();
    if (!this.interval.hasGrid) return false;
    const openMs = this.interval.openMs(timestamp);
    if (openMs < this.#newestMs()) return false;
    const candle = this.#candles.get(openMs) ?? opened(openMs, event);
    if (candle.is_complete) return false;
    this.#candles.set(openMs, this.#moved(candle, event));
    this.#trim();
    return true;
  }

  /** Forgets the candles that an official one stands for now. */
  forget(officialOpens) {
    for (const openMs of officialOpens) {
      this.#bases.delete(openMs);
      this.#candles.delete(openMs);
    }
  }

  /** Learns the grid of a 3d series. */
  learn(interval) {
    this.interval = interval;
  }

  #replay(candle) {
    let moved = candle;
    for (const event of this.#prices) {
      if (event.timestamp <= candle.updated_at || !this.interval.hasGrid) continue;
      if (this.interval.openMs(event.timestamp) === candle.time) moved = this.#moved(moved, event);
    }
    this.#candles.set(candle.time, moved);
  }

  /**
   * The candle with the event on top. Its price is news if it is later than the candle; its volume
   * only if all of the event is, for a part that is in can't be told from the rest.
   */
  #moved(candle, event) {
    if (event.timestamp <= candle.updated_at && candle.trades > 0) return candle;
    const knownMs = this.#bases.get(candle.time)?.updated_at ?? candle.time - 1;
    const isWhollyNew = event.since === null ? candle.trades === 0 : event.since >= knownMs || candle.trades === 0;
    return Object.freeze({
      ...candle,
      high: Math.max(candle.high, event.high),
      low: Math.min(candle.low, event.low),
      close: event.price,
      volume: isWhollyNew ? add(candle.volume, event.volume) : candle.volume,
      trades: isWhollyNew ? candle.trades + event.trades : candle.trades,
      updated_at: event.timestamp,
    });
  }

  #isKnown(event) {
    const last = this.#prices.at(-1);
    return last !== undefined && ["price", "timestamp", "high", "low", "volume", "trades"].every((key) => last[key] === event[key]);
  }

  #isOnGrid(openMs) {
    return !this.interval.hasGrid || this.interval.isAligned(openMs);
  }

  #newestMs() {
    return Math.max(-1, ...this.#candles.keys());
  }

  #trim() {
    const times = [...this.#candles.keys()].sort((a, b) => a - b);
    for (const openMs of times.slice(0, -(PENDING_MAX + 1))) {
      this.#bases.delete(openMs);
      this.#candles.delete(openMs);
    }
  }
}

function opened(openMs, { price }) {
  const flat = { open: price, high: price, low: price, close: price };
  return { time: openMs, ...flat, volume: 0, trades: 0, source: "client", is_complete: false, updated_at: openMs };
}

function isUsable({ price, timestamp, high, low, volume, trades }) {
  const areNumbers = [price, high, low, volume].every((number) => typeof number === "number" && Number.isFinite(number));
  return areNumbers && isMoment(timestamp) && Number.isInteger(trades) && trades >= 0 && volume >= 0 && low > 0 &&
    low <= price && price <= high;
}
