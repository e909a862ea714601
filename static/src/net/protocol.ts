// The shapes of what the server answers to REST, as its /openapi.json has them.
// Never here: anything written by hand: `python -m tools.protocol_types` makes it of truecandle/web/api_schemas.py.
// Invariant: a real answer of each kind is of its type (tests/e2e/test_protocol.py). Times are ms
// since 1970 (UTC); prices and volumes are JSON numbers, read as floats here only.

/** Every refusal (RFC 9457); `request_id` stands in the log too. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly request_id: string;
}

/** First open time without a candle, and the one that ends the gap. */
export type SpanPair = readonly [startMs: number, endMs: number];

/** A gap: its span, and why. */
export type GapSpan = readonly [startMs: number, endMs: number, reason: "maintenance" | "not_listed" | "delisted" | "fetch_failed" | "unproven"];

/** A candle that forms, or has closed and waits for its official version. */
export interface LiveCandleFields {
  readonly time: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  readonly quote_volume: number | null;
  readonly taker_volume: number | null;
  readonly taker_quote_volume: number | null;
  readonly trades: number;
  readonly first_id: number;
  readonly last_id: number;
  readonly source: "live" | "client";
  /** Its interval has ended. */
  readonly is_complete: boolean;
  /** It holds exactly the trades `first_id` to `last_id`, none missing. */
  readonly exact: boolean;
  readonly updated_at: number;
  readonly state: "pending" | "forming";
}

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

/** Official candles as columns, with `time=ms`; `live=1` and `marks=1` each add two fields. */
export interface DataAnswer {
  readonly symbol: string;
  readonly interval: string;
  readonly version: number;
  readonly count: number;
  readonly has_more: boolean;
  readonly time: readonly number[];
  readonly open: readonly number[];
  readonly high: readonly number[];
  readonly low: readonly number[];
  readonly close: readonly number[];
  readonly volume: readonly number[];
  readonly live?: readonly LiveCandleFields[];
  readonly missing?: readonly SpanPair[];
  /** Open times of this page's candles that the exchange changed after the close. */
  readonly corrected?: readonly number[];
  readonly gaps?: readonly GapSpan[];
}

/** Official candles as columns, in whatever form was asked for. */
export interface Columns {
  readonly symbol: string;
  readonly interval: string;
  readonly version: number;
  readonly count: number;
  readonly has_more: boolean;
  readonly time?: readonly (number | string)[];
  readonly open?: readonly (number | string)[];
  readonly high?: readonly (number | string)[];
  readonly low?: readonly (number | string)[];
  readonly close?: readonly (number | string)[];
  readonly volume?: readonly (number | string)[];
  readonly close_time?: readonly (number | string)[];
  readonly quote_volume?: readonly (number | string)[];
  readonly trades?: readonly (number | string)[];
  readonly taker_volume?: readonly (number | string)[];
  readonly taker_quote_volume?: readonly (number | string)[];
  readonly live?: readonly LiveCandleFields[];
  readonly missing?: readonly SpanPair[];
  /** Open times of this page's candles that the exchange changed after the close. */
  readonly corrected?: readonly number[];
  readonly gaps?: readonly GapSpan[];
}

export type Rows = readonly (readonly (number | string)[])[];

export type FreshnessState = "live" | "quiet" | "stale" | "offline";

/** The server's judgement of a market; `since` is null where it does not know since when. */
export interface Freshness {
  readonly state: FreshnessState;
  readonly since: number | null;
  readonly why: string;
}

export interface LiveAnswer {
  readonly candle: LiveCandleFields | null;
  readonly pending: readonly LiveCandleFields[];
  readonly freshness: Freshness;
}

export type SaveAnswer = { readonly status: "saved"; } | { readonly status: "ignored"; readonly reason: string; };

/** `expected` is 0 while that is not known; `detail` a sentence, or empty. */
export interface HistoryJob {
  readonly state: "waiting" | "running" | "failed";
  readonly from: number;
  readonly reached: number | null;
  readonly fetched: number;
  readonly expected: number;
  readonly detail: string;
}

export interface HistoryAnswer {
  readonly symbol: string;
  readonly interval: string;
  /** The oldest official candle that is stored. */
  readonly stored_from: number | null;
  /** The market's first one; null while not known. */
  readonly first: number | null;
  /** Nothing older exists. */
  readonly is_whole: boolean;
  readonly limit: { readonly max: number; readonly stored: number; readonly is_reached: boolean; };
  readonly job: HistoryJob | null;
}

/** A candle that the exchange changed; noticed `at` that time (the server's), `by` whom. */
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

/** Newest first. */
export interface CorrectionsAnswer {
  readonly symbol: string;
  readonly interval: string;
  readonly count: number;
  readonly corrections: readonly Correction[];
  readonly held: readonly HeldBack[];
}

/** A gap with its evidence; `again_at`: when it is asked for again, null for never. */
export interface GapFields {
  readonly start: number;
  readonly end: number;
  readonly candles: number;
  readonly reason: "maintenance" | "not_listed" | "delisted" | "fetch_failed" | "unproven";
  readonly evidence: string;
  readonly found_at: number;
  readonly asked_at: number | null;
  readonly asks: number;
  readonly again_at: number | null;
}

/** Newest first; `missing`: candles of all gaps. */
export interface GapsAnswer {
  readonly symbol: string;
  readonly interval: string;
  readonly earliest: number | null;
  readonly latest: number | null;
  readonly missing: number;
  readonly count: number;
  readonly gaps: readonly GapFields[];
}

export type AuditField = "open" | "high" | "low" | "close" | "volume" | "trades" | "quote_volume" | "taker_volume" | "taker_quote_volume";

/** How far one field was off; null where that cannot be said. */
export interface FieldDifference {
  readonly differing: number;
  readonly largest_ticks: number | null;
  readonly median_ticks: number | null;
  readonly largest_bp: number | null;
  readonly median_bp: number | null;
}

/** What all audited candles add up to. */
export interface AuditSummary {
  readonly shown: number;
  readonly exact: number;
  readonly exact_share: number | null;
  readonly never_shown: number;
  /** From the end of the interval to the official one on the chart. */
  readonly median_ms: number | null;
  readonly worst_ms: number | null;
  readonly fields: { readonly open: FieldDifference; readonly high: FieldDifference; readonly low: FieldDifference; readonly close: FieldDifference; readonly volume: FieldDifference; readonly trades: FieldDifference; readonly quote_volume: FieldDifference; readonly taker_volume: FieldDifference; readonly taker_quote_volume: FieldDifference; };
}

/** A candle as the chart showed it and as it became official; `shown` is null if it did not. */
export interface AuditedCandle {
  readonly time: number;
  readonly at: number;
  readonly late_ms: number;
  readonly exact: boolean | null;
  readonly differing: readonly AuditField[];
  readonly shown: { readonly time: number; readonly open: number; readonly high: number; readonly low: number; readonly close: number; readonly volume: number; readonly quote_volume: number | null; readonly taker_volume: number | null; readonly taker_quote_volume: number | null; readonly trades: number; readonly first_id: number; readonly last_id: number; readonly source: "live" | "client"; readonly is_complete: boolean; readonly exact: boolean; readonly updated_at: number; } | null;
  readonly official: { readonly open: number; readonly high: number; readonly low: number; readonly close: number; readonly volume: number; readonly trades: number; readonly quote_volume: number; readonly taker_volume: number; readonly taker_quote_volume: number; };
}

/** Newest first; the figures are left out with `summary=0`. */
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

/** A followed market; what the exchange has not told yet is null. */
export interface Market {
  readonly symbol: string;
  readonly status: string | null;
  readonly base: string | null;
  readonly quote: string | null;
  readonly tick_size: number | null;
  readonly step_size: number | null;
  readonly added_at: number;
  readonly checked_at: number | null;
  /** Whether who asks may unfollow it. */
  readonly may_unfollow: boolean;
}

export interface MarketsAnswer {
  readonly markets: readonly Market[];
  /** How many there may be. */
  readonly max: number;
}

/** A market of the exchange with its last 24 hours; what is not known is null. */
export interface ListedMarket {
  readonly symbol: string;
  readonly base: string | null;
  readonly quote: string | null;
  readonly status: string | null;
  readonly price: number | null;
  readonly open: number | null;
  readonly high: number | null;
  readonly low: number | null;
  readonly volume: number | null;
  readonly quote_volume: number | null;
  /** In per cent. */
  readonly change: number | null;
}

/** All that trade and all that are followed; `updated_at` is null before the first reading. */
export interface ExchangeMarketsAnswer {
  readonly updated_at: number | null;
  readonly markets: readonly ListedMarket[];
}

/** What a user has set; a key that is missing was never set. */
export interface UserSettings {
  readonly theme?: "system" | "dark" | "light";
  /** `UTC`, `local`, or a name of the IANA time zone database. */
  readonly zone?: string;
  readonly colors?: "green-red" | "red-green" | "blue-orange";
  readonly type?: "candles" | "hollow" | "bars" | "line" | "area" | "heikin-ashi";
  readonly scale?: "normal" | "log" | "percent";
  readonly inverted?: boolean;
  readonly auto?: boolean;
  readonly shortcuts?: boolean;
  readonly tools?: boolean;
  readonly panel?: "none" | "watchlist" | "truth" | "drawings";
  readonly favourites?: readonly string[];
  readonly last?: { readonly symbol: string; readonly interval: string; } | null;
  readonly studies?: readonly StudyFields[];
}

/** A study as settings and templates hold it. */
export interface StudyFields {
  readonly id: string;
  readonly kind: "sma" | "ema" | "wma" | "vwap" | "bollinger" | "ichimoku" | "supertrend" | "volume-profile" | "rsi" | "macd" | "atr" | "stochastic" | "obv";
  readonly inputs?: { readonly [name: string]: number | string };
  readonly style?: { readonly color?: "series-1" | "series-2" | "series-3" | "series-4" | "series-5" | "series-6" | "series-7" | "series-8"; readonly width?: 1 | 2 | 3 | 4; };
  readonly hidden?: boolean;
}

/** A drawing as it is kept: what is usual is left out, prices are decimal text. */
export interface StoredDrawing {
  readonly id: string;
  readonly kind: "horizontal" | "vertical" | "trend" | "ray" | "channel" | "rectangle" | "fibonacci" | "text" | "arrow" | "measure";
  readonly points: readonly { readonly time: number; readonly price: string; }[];
  readonly style?: { readonly color?: "accent" | "text" | "muted" | "green" | "red" | "blue" | "orange" | "warn"; readonly width?: 1 | 2 | 3 | 4; readonly dash?: "solid" | "dashed" | "dotted"; };
  readonly text?: string;
  readonly locked?: boolean;
  readonly hidden?: boolean;
}

/** Version 0: nothing was ever set. */
export interface SettingsAnswer {
  readonly settings: UserSettings;
  readonly version: number;
}

/** Version 0: nothing is drawn there. */
export interface DrawingsAnswer {
  readonly drawings: readonly StoredDrawing[];
  readonly version: number;
}

export interface LayoutsAnswer {
  readonly layouts: readonly { readonly name: string; readonly version: number; }[];
}

export interface LayoutAnswer {
  readonly name: string;
  readonly layout: { readonly [name: string]: unknown };
  readonly version: number;
}

export interface StudyTemplate {
  readonly name: string;
  readonly studies: readonly StudyFields[];
  readonly version: number;
}

export interface StudyTemplatesAnswer {
  readonly templates: readonly StudyTemplate[];
}

export interface LinkAnswer {
  readonly next: "/" | "/login/code";
}
