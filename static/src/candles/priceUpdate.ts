// One `live_price`, what traded since the one before it, and what it does to a candle, by trade ids.
// Never here: which candle it belongs to (`builder`), a clock.
// Invariant: a candle stays exact only through prices that follow its last trade, id by id.

import { NO_ID, add, type LiveCandle, type Unchecked } from "./candle.ts";
import { beginsAnew, isFormer } from "./epoch.ts";
import { isInteger, isMoment } from "./interval.ts";

/** What traded since the price before it: the trades `first_id` to `last_id`, if they are `trades` many. */
export interface PriceUpdate {
  readonly price: number;
  readonly timestamp: number;
  readonly high: number;
  readonly low: number;
  readonly volume: number;
  readonly trades: number;
  readonly first_id: number;
  readonly last_id: number;
}

/** A `live_price` as a checked value, or null: junk changes nothing. */
export function priceOrNull({ price, timestamp, high, low, volume, trades, first_id, last_id }: Unchecked<PriceUpdate>): PriceUpdate | null {
  if (!isNumber(price) || !isNumber(high) || !isNumber(low) || !isNumber(volume)) return null;
  if (!isCount(trades) || !isCount(first_id) || !isCount(last_id) || !isMoment(timestamp)) return null;
  if (!(low > 0 && low <= price && price <= high && volume >= 0 && first_id <= last_id)) return null;
  return Object.freeze({ price, timestamp, high, low, volume, trades, first_id, last_id });
}

/** Whether it holds the trades right after the candle's last one, none missing. */
export function follows(price: PriceUpdate, candle: LiveCandle) {
  return candle.last_id > NO_ID && price.first_id === candle.last_id + 1 && isWhole(price);
}

/**
 * The candle with the price on top. What is in it already changes nothing. What does not follow
 * moves the price, and the candle is adrift: not exact until the server says what it holds.
 */
export function moved(candle: LiveCandle, price: PriceUpdate, before: LiveCandle | null): LiveCandle {
  if (isIn(candle, price)) return candle;
  if (candle.trades === 0) return opened(candle.time, price, before);
  const isNext = follows(price, candle);
  const isApart = candle.last_id > NO_ID && (price.first_id > candle.last_id || beginsAnew(price, candle));
  return Object.freeze({
    ...candle,
    high: Math.max(candle.high, price.high),
    low: Math.min(candle.low, price.low),
    close: price.price,
    volume: isApart ? add(candle.volume, price.volume) : candle.volume,
    trades: isApart ? candle.trades + price.trades : candle.trades,
    last_id: price.last_id,
    updated_at: Math.max(candle.updated_at, price.timestamp),
    isExact: candle.isExact && isNext,
    isAdrift: isAdrift(candle) || !isNext,
  });
}

/** A candle that begins with the price; `before` is the newest one with a trade before it, or null. */
export function opened(openMs: number, price: PriceUpdate, before: LiveCandle | null): LiveCandle {
  const { price: close, high, low, volume, trades, first_id, last_id, timestamp } = price;
  const isFirst = before !== null && follows(price, before);
  const isExact = isFirst && high === low; // else nobody has told at which price it opened
  const rest = { source: "live", is_complete: false, updated_at: timestamp, isExact, isAdrift: !isExact } as const;
  return Object.freeze({ time: openMs, open: close, high, low, close, volume, trades, first_id, last_id, ...rest });
}

/** A candle of an interval in which nothing traded, as ids that follow on have proven. */
export function empty(openMs: number, before: LiveCandle, updatedAt: number): LiveCandle {
  const { close } = before;
  const flat = { open: close, high: close, low: close, close, volume: 0, trades: 0, first_id: NO_ID, last_id: NO_ID };
  return Object.freeze({ time: openMs, ...flat, source: "live", is_complete: true, updated_at: updatedAt, isExact: true });
}

/** Whether the candle is not known to be what the server holds. */
export function isAdrift(candle: LiveCandle) {
  return candle.isAdrift === true;
}

/** The same candle, no longer known to be all that the server holds. */
export function adrift(candle: LiveCandle): LiveCandle {
  return Object.freeze({ ...candle, isExact: false, isAdrift: true });
}

function isWhole({ first_id: first, last_id: last, trades }: PriceUpdate) {
  return last - first + 1 === trades;
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function isCount(value: unknown): value is number {
  return isInteger(value) && value >= 0;
}

function isIn(candle: LiveCandle, price: PriceUpdate) {
  if (candle.last_id > NO_ID && price.last_id <= candle.last_id) return !beginsAnew(price, candle);
  if (candle.last_id > NO_ID) return isFormer(price, candle);
  return candle.trades > 0 && price.timestamp <= candle.updated_at;
}
