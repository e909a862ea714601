// What the chart tells by itself: what is pointed at, clicked and in sight.
// Never here: what becomes of it.
// Invariant: a candle is told anew only if it differs; where a hole is pointed at no candle is told of.

import { sameValues, type Candle } from "../candles/candle.ts";
import type { PointedCandle, PointedHole } from "../state/pageState.ts";

/** What the chart tells by itself: each a signal, or anything else that holds a value. */
export interface Told {
  /** The candle that is pointed at, or the newest; null where there is none. */
  readonly onPoint: { value: PointedCandle | null };
  /** The place that is pointed at, if no candle is there. */
  readonly onHole?: { value: PointedHole | null };
  /** The candle that was clicked, by its open time; null for a click beside all of them. */
  readonly onClick?: (openMs: number | null) => void;
  /** The first and last open time in sight. */
  readonly onSight?: (fromMs: number, toMs: number) => void;
  /** A reader points at another place by its open time; null: at none. */
  readonly onCursor?: (openMs: number | null) => void;
  /** Another stretch of time is in sight. */
  readonly onMove?: () => void;
  /** Whether the newest candle is in sight. */
  readonly onNow: { value: boolean };
}

/** Tells of the candle that is pointed at, or of the place where none is. */
export function tellPointed({ onPoint, onHole }: Told, candle: PointedCandle | null, hole: PointedHole | null) {
  if (onHole !== undefined) onHole.value = hole;
  const next = hole === null ? candle : null;
  const before = onPoint.value;
  const isSame = next !== null && before !== null && next.state === before.state && next.isCorrected === before.isCorrected;
  if (!(isSame && sameValues(next, before))) onPoint.value = next;
}

/** First and last open time in sight, and the candles from one to the other. */
export interface Sight {
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

export function sightOf(fromMs: number, toMs: number, candles: readonly Candle[]): Sight {
  return { fromMs, toMs, count: candles.filter(({ time }) => time >= fromMs && time <= toMs).length };
}
