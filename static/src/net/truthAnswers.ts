// What the server answers about corrections, gaps and the audit, checked: what is none of these is left out.
// Never here: requests (api.ts asks), what it means, words.
// Invariant: what comes out has every field that is read, of its type, with sound candles.

import type { Unchecked } from "../candles/candle.ts";
import { isMoment } from "../candles/interval.ts";
import { isReason } from "../candles/marks.ts";
import type { AuditAnswer, AuditField, AuditSummary, AuditedCandle, Correction, CorrectionsAnswer, FieldDifference, GapFields, GapsAnswer } from "./protocol.ts";

/** Which entries of a series' list are asked for: the newest `limit` of those in [start, end). */
export interface TruthQuery {
  readonly symbol: string;
  readonly interval: string;
  readonly limit: number;
  readonly start?: number;
  readonly end?: number;
  readonly signal?: AbortSignal;
}

/** What is known of how candles were shown; `summary` null where it was not asked for. */
export interface Audit {
  readonly sinceMs: number | null;
  readonly tick: number | null;
  readonly summary: AuditSummary | null;
  /** The field whose worst difference is the largest, in ticks of the price; null if nothing was off, or nothing is known. */
  readonly worst: { readonly field: AuditField; readonly ticks: number } | null;
  readonly candles: readonly AuditedCandle[];
}

const PRICES = ["open", "high", "low", "close"] as const;

export function corrections(body: Unchecked<CorrectionsAnswer>): Correction[] {
  return list<Correction>(body.corrections, ({ time, at, by, differing, old, new: now }) =>
    isMoment(time) && isMoment(at) && typeof by === "string" && areTexts(differing) && isCandle(old) && isCandle(now));
}

export function gaps(body: Unchecked<GapsAnswer>): GapFields[] {
  return list<GapFields>(body.gaps, ({ start, end, candles, reason, evidence }) =>
    isMoment(start) && isMoment(end) && start < end && isNumber(candles) && isReason(reason) && typeof evidence === "string");
}

export function audit(body: Unchecked<AuditAnswer>): Audit {
  const { since, tick, summary } = body;
  return {
    sinceMs: isMoment(since) ? since : null,
    tick: isNumber(tick) ? tick : null,
    summary: isSummary(summary) ? summary : null,
    worst: isSummary(summary) ? worstPrice(summary) : null,
    candles: list<AuditedCandle>(body.candles, ({ time, late_ms: lateMs, differing, shown, official }) =>
      isMoment(time) && isNumber(lateMs) && areTexts(differing) && (shown === null || isCandle(shown)) && isCandle(official)),
  };
}

function worstPrice({ fields }: AuditSummary): Audit["worst"] {
  let worst: { field: AuditField; ticks: number } | null = null;
  for (const field of PRICES) {
    const ticks = (fields[field] as FieldDifference | undefined)?.largest_ticks ?? null;
    if (ticks !== null && ticks > (worst?.ticks ?? 0)) worst = { field, ticks };
  }
  return worst;
}

function list<T>(items: unknown, isSound: (item: Unchecked<T>) => boolean): T[] {
  if (!Array.isArray(items)) return [];
  return items.filter((item): item is T => item !== null && typeof item === "object" && isSound(item));
}

function isSummary(value: unknown): value is AuditSummary {
  if (value === null || typeof value !== "object") return false;
  const { shown, exact, never_shown: neverShown, fields }: Unchecked<AuditSummary> = value;
  return isNumber(shown) && isNumber(exact) && isNumber(neverShown) && fields !== null && typeof fields === "object";
}

function isCandle(value: unknown): boolean {
  if (value === null || typeof value !== "object") return false;
  const fields = value as Record<string, unknown>;
  return [...PRICES, "volume"].every((name) => isNumber(fields[name]));
}

function areTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
