// The volume profile: how much traded at which prices, of a stretch of candles.
// Never here: which stretch is in sight, drawing.
// Invariant: the rows' volumes add up to the candles'; a candle's is spread evenly over its range.

import type { Candle } from "../candles/candle.ts";

export interface ProfileRow {
  readonly low: number;
  readonly high: number;
  /** Volume of candles that closed at or above their open, and of the others. */
  readonly up: number;
  readonly down: number;
}

export interface Profile {
  /** From the lowest prices up. */
  readonly rows: readonly ProfileRow[];
  /** The row in which most was traded; -1 where nothing was. */
  readonly most: number;
}

const NONE: Profile = { rows: [], most: -1 };

/** The candles from index `from` up to `to`, cut into so many rows of prices. */
export function volumeProfile(candles: readonly Candle[], from: number, to: number, count: number): Profile {
  let [low, high] = [Infinity, -Infinity];
  for (let i = from; i < to; i += 1) {
    low = Math.min(low, candles[i]!.low);
    high = Math.max(high, candles[i]!.high);
  }
  if (!(low <= high)) return NONE;
  const size = (high - low) / count;
  const [up, down] = [new Float64Array(count), new Float64Array(count)];
  for (let i = from; i < to; i += 1) {
    const candle = candles[i]!;
    spread(candle, candle.close >= candle.open ? up : down, low, size);
  }
  const rows = Array.from({ length: count }, (_, row) => ({ low: low + row * size, high: low + (row + 1) * size, up: up[row]!, down: down[row]! }));
  const volumes = rows.map((row) => row.up + row.down);
  const top = Math.max(...volumes);
  return { rows, most: top > 0 ? volumes.indexOf(top) : -1 };
}

/** Adds a candle's volume to the rows that it touches, by how much of its range lies in each. */
function spread({ low, high, volume }: Candle, rows: Float64Array, from: number, size: number) {
  const last = rows.length - 1;
  const rowOf = (price: number) => (size > 0 ? Math.min(last, Math.floor((price - from) / size)) : 0);
  const [first, end] = [rowOf(low), rowOf(high)];
  if (first === end) {
    rows[first]! += volume;
    return;
  }
  for (let row = first; row <= end; row += 1) {
    const part = Math.min(high, row === end ? high : from + (row + 1) * size) - Math.max(low, from + row * size);
    rows[row]! += (volume * part) / (high - low);
  }
}
