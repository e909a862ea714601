// What the exchange has proven to be missing: spans of open times, as the server tells and as a page keeps them.
// Never here: how that is proven, what is drawn there.
// Invariant: the spans of a `Missing` are ascending and apart, and bounded.

/** From the first open time without a candle up to the one that ends it. */
export interface MissingSpan {
  readonly startMs: number;
  readonly endMs: number;
}

/** Spans kept: the newest, as many as the server tells of. */
export const SPANS_MAX = 600;

/** Pairs of first and end, from the wire, as `{startMs, endMs}`; what is no such pair is left out. */
export function spans(pairs: unknown): MissingSpan[] {
  if (!Array.isArray(pairs)) return [];
  return pairs.filter(isPair).map(([startMs, endMs]) => ({ startMs, endMs }));
}

export class Missing {
  /** `{startMs, endMs}`, ascending and apart. */
  spans: readonly MissingSpan[] = [];

  /** Takes in more of them. False if they were known. */
  add(more: readonly MissingSpan[]): boolean {
    if (more.every(({ startMs, endMs }) => this.spans.some((one) => one.startMs <= startMs && endMs <= one.endMs))) return false;
    const joined: { startMs: number; endMs: number }[] = [];
    for (const { startMs, endMs } of [...this.spans, ...more].sort((a, b) => a.startMs - b.startMs)) {
      const last = joined.at(-1);
      if (last !== undefined && startMs <= last.endMs) last.endMs = Math.max(last.endMs, endMs);
      else joined.push({ startMs, endMs });
    }
    this.spans = joined.slice(-SPANS_MAX);
    return true;
  }
}

function isPair(pair: unknown): pair is [number, number] {
  return Array.isArray(pair) && pair.length === 2 && pair.every(Number.isSafeInteger) && pair[0] < pair[1];
}
