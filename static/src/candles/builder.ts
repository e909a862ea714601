// The forming candle in the browser: the server's live candles, moved on by the prices between them.
// Never here: a clock, a socket, the DOM. Events come in, candles are read out.
// Invariant: forward only, each trade once, by its id; a candle that is exact equals the server's.

import { NO_ID, liveOrNull, type LiveCandle, type Unchecked } from "./candle.ts";
import { LAG_MS, isOlder } from "./epoch.ts";
import type { Interval } from "./interval.ts";
import { adrift, empty, follows, isAdrift, moved, opened, priceOrNull, type PriceUpdate } from "./priceUpdate.ts";

/** Closed candles kept until their official version is here (the server keeps as many). */
export const PENDING_MAX = 600;

/** Prices kept to put them on top of a server candle that is older than they are. */
export const PRICES_MAX = 64;

/** Empty candles made between two trades whose ids prove that nothing traded (the server: as many). */
export const EMPTY_MAX = 120;

export class LiveCandleBuilder {
  interval: Interval;
  #bases = new Map<number, LiveCandle>(); // open time → the newest candle the server sent
  #candles = new Map<number, LiveCandle>(); // open time → the same, with later prices on top
  #times: number[] | null = null; // the open times, sorted; null when they have to be sorted anew
  #prices: PriceUpdate[] = []; // recent prices, ascending by their last trade
  #last: LiveCandle | null = null; // the newest candle with trades that was forgotten
  #officialMs = -1;
  #waitingMs = -1;

  constructor(interval: Interval) {
    this.interval = interval;
  }

  /** The newest candle, or null. Whether it still forms is the merge rule's to say. */
  get forming(): LiveCandle | null {
    return this.#candles.get(this.#newestMs) ?? null;
  }

  /** The candles before the newest, oldest first. */
  get pending(): LiveCandle[] {
    return this.#sorted.slice(0, -1).map((openMs) => this.#held(openMs));
  }

  /** Whether a candle is not known to be what the server holds, or a price waits for its candle. */
  get isAdrift() {
    return this.#waitingMs > this.#knownMs || this.#sorted.some((openMs) => isAdrift(this.#held(openMs)));
  }

  /** Takes a live candle from the server. False if it is junk, off the grid or older than known. */
  addCandle(fields: unknown): boolean {
    const candle = liveOrNull(fields);
    if (candle === null || !this.#isOnGrid(candle.time)) return false;
    const base = this.#bases.get(candle.time);
    if (base !== undefined && isOlder(candle, base)) return false;
    const isNew = candle.time > this.#newestMs;
    this.#bases.set(candle.time, candle);
    this.#rebase(candle);
    if (isNew) this.#leave(candle);
    this.#resume();
    this.#trim();
    return true;
  }

  /** Takes a `live_price`: what traded since the last one. False if it changes nothing. */
  addPrice(fields: Unchecked<PriceUpdate>): boolean {
    const price = priceOrNull(fields);
    if (price === null || !this.#keep(price) || !this.interval.hasGrid) return false;
    const openMs = this.interval.openMs(price.timestamp);
    if (openMs > this.#knownMs) {
      this.#open(openMs, price);
      this.#trim();
      return true;
    }
    const candle = this.#candles.get(openMs);
    if (openMs < this.#newestMs || candle === undefined || candle.is_complete) return false;
    const base = this.#bases.get(openMs);
    if (price !== this.#prices.at(-1) && base !== undefined) this.#rebase(base);
    else this.#put(moved(candle, price, this.#before(openMs)));
    return this.#candles.get(openMs) !== candle;
  }

  /** Forgets the candles that an official one stands for now, or that are missing; the opens are sorted. */
  forget(officialOpens: readonly number[]) {
    this.#officialMs = Math.max(this.#officialMs, officialOpens.at(-1) ?? -1);
    for (const openMs of officialOpens) {
      const candle = this.#candles.get(openMs);
      if (candle !== undefined && candle.last_id > NO_ID && openMs > (this.#last?.time ?? -1)) this.#last = candle;
      this.#delete(openMs);
    }
  }

  /** Learns the grid of a 3d series. */
  learn(interval: Interval) {
    this.interval = interval;
  }

  /** The server's candle with the prices on top that are newer. */
  #rebase(base: LiveCandle) {
    const { time: openMs } = base;
    const local = this.#candles.get(openMs);
    const isAll = base.is_complete && base.isExact;
    const later = isAll || !this.interval.hasGrid ? [] : this.#prices.filter(({ timestamp }) => this.interval.openMs(timestamp) === openMs);
    const before = this.#before(openMs);
    const next = later.reduce((candle, price) => moved(candle, price, before), base);
    // Older than the prices that are kept: what is here holds all of it, and more.
    const isWithin = local !== undefined && base.last_id <= local.last_id && base.updated_at <= local.updated_at + LAG_MS;
    const isKnown = isWithin && local.isExact && base.isExact && !next.isExact;
    if (!isKnown) this.#put(next);
  }

  /** A newer candle is here: the one before it was told to its end, or is not known to its end. */
  #leave(newer: LiveCandle) {
    const left = this.#candles.get(this.#sorted[this.#sorted.indexOf(newer.time) - 1] ?? -1);
    if (left === undefined || left.is_complete || newer.first_id === left.last_id + 1) return;
    this.#put(adrift(left));
  }

  /** Prices that waited for the candles before theirs. */
  #resume() {
    if (this.#waitingMs <= this.#knownMs) return;
    for (const price of this.#prices) {
      const openMs = this.interval.openMs(price.timestamp);
      if (openMs > this.#knownMs) this.#open(openMs, price);
      else if (openMs === this.#newestMs && !this.#held(openMs).is_complete) {
        this.#put(moved(this.#held(openMs), price, this.#before(openMs)));
      }
    }
  }

  /**
   * A price opens the candle right after the newest known one, or a later one if ids prove that
   * nothing traded between. Else it waits: the candles between are the server's to tell.
   */
  #open(openMs: number, price: PriceUpdate) {
    const before = this.#before(openMs);
    const isNext = before !== null && follows(price, before);
    const firstMs = this.#knownMs < 0 ? openMs : this.interval.nextOpenMs(this.#knownMs);
    const between = this.interval.count(firstMs, openMs);
    if (between > (isNext ? EMPTY_MAX : 0)) {
      this.#waitingMs = openMs;
      return;
    }
    const newest = this.forming;
    if (newest !== null && !isNext && !newest.is_complete) this.#put(adrift(newest));
    if (isNext) for (const emptyMs of this.interval.opens(firstMs, openMs)) this.#put(empty(emptyMs, before, price.timestamp));
    this.#put(opened(openMs, price, before));
  }

  /** Keeps a price in its place. False for one that is known, or older than all that are kept. */
  #keep(price: PriceUpdate) {
    const newest = this.#prices.at(-1);
    if (newest !== undefined && price.last_id <= newest.last_id && price.timestamp > newest.timestamp) this.#prices = []; // ids began anew
    let at = this.#prices.length;
    while (at > 0 && this.#prices[at - 1]!.last_id > price.last_id) at -= 1;
    const before = this.#prices[at - 1];
    if (before?.last_id === price.last_id && before.first_id <= price.first_id) return false;
    if (at === 0 && this.#prices.length === PRICES_MAX) return false;
    this.#prices.splice(at, 0, price);
    if (this.#prices.length > PRICES_MAX) this.#prices.shift();
    return true;
  }

  /** The newest candle with trades that opened before that time, or null. */
  #before(openMs: number): LiveCandle | null {
    const at = this.#sorted.findLast((time) => time < openMs && this.#held(time).last_id > NO_ID);
    return at === undefined ? this.#last : this.#held(at);
  }

  /** The candle at one of the open times in `#sorted`. */
  #held(openMs: number): LiveCandle {
    return this.#candles.get(openMs)!;
  }

  get #sorted(): number[] {
    this.#times ??= [...this.#candles.keys()].sort((a, b) => a - b);
    return this.#times;
  }

  get #newestMs() {
    return this.#sorted.at(-1) ?? -1;
  }

  get #knownMs() {
    return Math.max(this.#newestMs, this.#officialMs);
  }

  #isOnGrid(openMs: number) {
    return !this.interval.hasGrid || this.interval.isAligned(openMs);
  }

  #put(candle: LiveCandle) {
    if (!this.#candles.has(candle.time)) this.#times = null;
    this.#candles.set(candle.time, candle);
  }

  #delete(openMs: number) {
    this.#bases.delete(openMs);
    if (this.#candles.delete(openMs)) this.#times = null;
  }

  #trim() {
    for (const openMs of this.#sorted.slice(0, -(PENDING_MAX + 1))) this.#delete(openMs);
  }
}
