// The shapes of what the server answers about the truth of candles: corrections, gaps, the audit.
// Never here: values, checks, what the page makes of it; a field that the server does not send.
// Invariant: a real answer of each kind is of its type (tests/e2e/test_protocol.py). Times are ms since
// 1970 (UTC); prices and volumes are JSON numbers, read as floats here only.

import type { GapReason } from "../candles/marks.ts";
import type { LiveCandleFields } from "./protocol.ts";

/** An official candle in full. */
export interface OfficialFields {
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  readonly close_time: number;
  readonly quote_volume: number;
  readonly trades: number;
  readonly taker_volume: number;
  readonly taker_quote_volume: number;
}

/** One candle that the exchange changed; noticed `at` that time (the server's clock), `by` whom. */
export interface Correction {
  readonly time: number;
  readonly at: number;
  readonly by: string;
  readonly differing: readonly string[];
  readonly old: OfficialFields;
  readonly new: OfficialFields;
}

/** An answer of the exchange that was not believed, and changed nothing. */
export interface HeldBack {
  readonly reason: "differences" | "foreign" | "broken" | "clock";
  readonly from: number;
  readonly to: number;
  readonly candles: number;
  readonly by: string;
  readonly detail: string;
  readonly first_at: number;
  readonly last_at: number;
  readonly times: number;
}

/** `GET /corrections`, newest first. */
export interface CorrectionsAnswer {
  readonly symbol: string;
  readonly interval: string;
  readonly count: number;
  readonly corrections: readonly Correction[];
  readonly held: readonly HeldBack[];
}

/** One gap with its evidence; `again_at`: when it is asked for again, null for never. */
export interface GapFields {
  readonly start: number;
  readonly end: number;
  readonly candles: number;
  readonly reason: GapReason;
  readonly evidence: string;
  readonly found_at: number;
  readonly asked_at: number | null;
  readonly asks: number;
  readonly again_at: number | null;
}

/** `GET /gaps`, newest first; `missing`: candles of all gaps. */
export interface GapsAnswer {
  readonly symbol: string;
  readonly interval: string;
  readonly earliest: number | null;
  readonly latest: number | null;
  readonly missing: number;
  readonly count: number;
  readonly gaps: readonly GapFields[];
}

/** How far one field was off; null where that cannot be said. */
export interface FieldDifference {
  readonly differing: number;
  readonly largest_ticks: number | null;
  readonly median_ticks: number | null;
  readonly largest_bp: number | null;
  readonly median_bp: number | null;
}

export type AuditField =
  | "open" | "high" | "low" | "close" | "volume" | "trades" | "quote_volume" | "taker_volume" | "taker_quote_volume";

/** What all audited candles add up to; times are from the interval's end to official on the chart. */
export interface AuditSummary {
  readonly shown: number;
  readonly exact: number;
  readonly exact_share: number | null;
  readonly never_shown: number;
  readonly median_ms: number | null;
  readonly worst_ms: number | null;
  readonly fields: Readonly<Record<AuditField, FieldDifference>>;
}

/** One candle as it stood on the chart and as it became official; `shown` is null if it did not. */
export interface AuditedCandle {
  readonly time: number;
  readonly at: number;
  readonly late_ms: number;
  readonly exact: boolean | null;
  readonly differing: readonly AuditField[];
  readonly shown: Omit<LiveCandleFields, "state"> | null;
  readonly official: Omit<OfficialFields, "close_time">;
}

/** `GET /audit`, newest first; the figures are left out with `summary=0`. */
export interface AuditAnswer {
  readonly symbol: string;
  readonly interval: string;
  /** The oldest candle that is known of. */
  readonly since: number | null;
  readonly tick?: number | null;
  readonly tick_source?: "exchange" | "official prices";
  readonly step?: number | null;
  readonly step_source?: "exchange" | "official volumes";
  readonly summary?: AuditSummary;
  readonly count: number;
  readonly candles: readonly AuditedCandle[];
}
