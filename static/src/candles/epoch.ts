// Trade ids order what is told only within an epoch: the exchange begins anew with them at times.
// Never here: what a candle makes of it (`price`, `builder`), a clock.
// Invariant: within an epoch a higher id is never earlier; whatever says otherwise is of another one.

import { NO_ID, type LiveCandle } from "./candle.ts";
import type { PriceUpdate } from "./priceUpdate.ts";

/** A candle was changed by the exchange's word at most so long before a trade that is not in it. */
export const LAG_MS = 1_000;

/** Whether the price is of a later epoch than the candle: its trades are in it by their ids, and are newer. */
export function beginsAnew(price: PriceUpdate, candle: LiveCandle) {
  return candle.last_id > NO_ID && price.last_id <= candle.last_id && price.timestamp > candle.updated_at;
}

/** Whether the price is of an epoch before the candle's: not in it by its ids, and older. */
export function isFormer(price: PriceUpdate, candle: LiveCandle) {
  return candle.last_id > NO_ID && price.last_id > candle.last_id && price.timestamp < candle.updated_at - LAG_MS;
}

/** Whether the server said so before it said what is known: by trade id, else by time. */
export function isOlder(candle: LiveCandle, base: LiveCandle) {
  if (candle.source !== base.source) return candle.source === "client" && candle.updated_at <= base.updated_at;
  const laterMs = candle.updated_at - base.updated_at;
  if (candle.last_id > NO_ID && base.last_id > NO_ID && candle.last_id !== base.last_id) {
    const isLess = candle.last_id < base.last_id;
    return isLess ? laterMs <= LAG_MS : laterMs < -LAG_MS;
  }
  if (base.is_complete && !candle.is_complete) return true;
  return laterMs < 0;
}
