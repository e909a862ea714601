// The marks of candles: which of them the exchange corrected after the close, and the gaps among them.
// Never here: requests, drawing, words for reasons.
// Invariant: gaps are ascending and apart; where a candle has come there is none; all of it is bounded.

import type { Interval } from "./interval.ts";
import type { MissingSpan } from "./missing.ts";

/** Why candles are missing; the first three are proven by the exchange's own answer. */
export type GapReason = "maintenance" | "not_listed" | "delisted" | "fetch_failed" | "unproven";

/** Candles that are missing, and why; null: proven just now, the reason not told yet. */
export interface Gap extends MissingSpan {
  readonly reason: GapReason | null;
}

/** What an answer says of its candles, which open from `fromMs` to `toMs`; Infinity: to the newest. */
export interface PageMarks {
  readonly fromMs: number;
  readonly toMs: number;
  readonly corrected: readonly number[];
  readonly gaps: readonly Gap[];
}

interface Timed {
  readonly time: number;
}

/** Marks kept of a series, the newest: what the server keeps. */
const CORRECTED_MAX = 1_000;
const GAPS_MAX = 1_000;

const REASONS: ReadonlySet<unknown> = new Set<GapReason>(["maintenance", "not_listed", "delisted", "fetch_failed", "unproven"]);

export function isReason(value: unknown): value is GapReason {
  return REASONS.has(value);
}

/** Gaps from the wire, ascending; what is none is left out. */
export function gapsOf(triples: unknown): Gap[] {
  if (!Array.isArray(triples)) return [];
  return triples.filter(isTriple).map(([startMs, endMs, reason]) => ({ startMs, endMs, reason })).sort((a, b) => a.startMs - b.startMs);
}

export class Marks {
  /** Open times, ascending. */
  corrected: readonly number[] = [];
  gaps: readonly Gap[] = [];

  /** Takes in what an answer says: in its range nothing else counts. */
  take({ fromMs, toMs, corrected, gaps }: PageMarks) {
    const others = this.corrected.filter((time) => time < fromMs || time > toMs);
    this.corrected = newest([...others, ...corrected]);
    this.#put(gaps, this.gaps.filter(({ startMs, endMs }) => endMs <= fromMs || startMs > toMs));
  }

  /** Spans that are proven to hold no candle; what is known of them stays. */
  miss(spans: readonly MissingSpan[]): this {
    const unknown = spans.filter(({ startMs, endMs }) => !this.gaps.some((gap) => gap.startMs <= startMs && endMs <= gap.endMs && isProven(gap)));
    if (unknown.length > 0) this.#put(unknown.map((span) => ({ ...span, reason: null })), this.gaps);
    return this;
  }

  /** Candles that have come: where one opens is no gap any more; and those of them that took another's place. */
  change(interval: Interval, candles: readonly Timed[], corrected: readonly Timed[]) {
    this.gaps = without(this.gaps, interval, candles.map(({ time }) => time));
    if (corrected.length > 0) this.corrected = newest([...this.corrected, ...corrected.map(({ time }) => time)]);
  }

  isCorrected(openMs: number): boolean {
    return at(this.corrected, openMs, (time) => time) === openMs;
  }

  /** The gap in which a candle that opens then is missing, or null. */
  gapAt(openMs: number): Gap | null {
    const gap = at(this.gaps, openMs, ({ startMs }) => startMs);
    return gap !== undefined && openMs < gap.endMs ? gap : null;
  }

  #put(added: readonly Gap[], kept: readonly Gap[]) {
    const apart = kept.filter((gap) => !added.some(({ startMs, endMs }) => startMs < gap.endMs && gap.startMs < endMs));
    this.gaps = [...apart, ...added].sort((a, b) => a.startMs - b.startMs).slice(-GAPS_MAX);
  }
}

/** Whether the exchange's own answer is the evidence. */
export function isProven({ reason }: Gap): boolean {
  return reason !== "fetch_failed" && reason !== "unproven";
}

/** The gaps (ascending) less the candles that open at `times`; the same list if nothing changes. */
export function without(gaps: readonly Gap[], interval: Interval, times: readonly number[]): readonly Gap[] {
  const firstMs = times.reduce((least, time) => Math.min(least, time), Infinity);
  const near = gaps.filter((gap) => gap.endMs > firstMs);
  if (!interval.hasGrid || !times.some((time) => near.some((gap) => gap.startMs <= time && time < gap.endMs))) return gaps;
  return gaps.flatMap((gap) => {
    const inside = times.filter((time) => gap.startMs <= time && time < gap.endMs).sort((a, b) => a - b);
    const parts: Gap[] = [];
    let startMs = gap.startMs;
    for (const time of inside) {
      if (time > startMs) parts.push({ ...gap, startMs, endMs: time });
      startMs = interval.nextOpenMs(time);
    }
    if (startMs < gap.endMs) parts.push({ ...gap, startMs });
    return parts;
  });
}

/** The last item (ascending) whose key is not after `ms`. */
export function at<T>(items: readonly T[], ms: number, key: (item: T) => number): T | undefined {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (key(items[middle]!) <= ms) low = middle + 1;
    else high = middle;
  }
  return items[low - 1];
}

function newest(times: readonly number[]) {
  return [...new Set(times)].sort((a, b) => a - b).slice(-CORRECTED_MAX);
}

function isTriple(triple: unknown): triple is [number, number, GapReason] {
  if (!Array.isArray(triple) || triple.length !== 3) return false;
  const [startMs, endMs, reason] = triple;
  return Number.isSafeInteger(startMs) && Number.isSafeInteger(endMs) && startMs < endMs && isReason(reason);
}
