// The shapes of what the server tells and answers, field by field, as they stand in its JSON.
// Never here: values, checks, what the page makes of it; a field that the server does not send.
// Invariant: a real event or answer of each kind is of its type (tests/e2e/test_protocol.py). Times are
// exchange ms since 1970 (UTC); prices and volumes are JSON numbers, read as floats here only.

import type { Candle } from "../candles/candle.ts";
import type { PriceUpdate } from "../candles/priceUpdate.ts";
import type { GapReason } from "../candles/marks.ts";
import type { DrawingFields } from "../drawings/drawing.ts";

/** One of Binance's rows: open time, open, high, low, close, volume, close time, and six more. */
export type KlineRow = readonly [
  openMs: number, open: number, high: number, low: number, close: number, volume: number,
  closeMs: number, quoteVolume: number, trades: number, takerVolume: number, takerQuoteVolume: number, unused: number,
];

/** First open time without a candle, and the one that ends the gap. */
export type SpanPair = readonly [startMs: number, endMs: number];

/** A gap: as a `SpanPair`, and why. */
export type GapSpan = readonly [startMs: number, endMs: number, reason: GapReason];

export type FreshnessState = "live" | "quiet" | "stale" | "offline";

/** The server's judgement of a market; `since` is null where it does not know since when. */
export interface Freshness {
  readonly state: FreshnessState;
  readonly since: number | null;
  readonly why: string;
}

/** A live candle in JSON; `exact`: it holds exactly the trades `first_id` to `last_id`. */
export interface LiveCandleFields extends Candle {
  readonly quote_volume: number | null;
  readonly taker_volume: number | null;
  readonly taker_quote_volume: number | null;
  readonly trades: number;
  readonly first_id: number;
  readonly last_id: number;
  readonly source: "live" | "client";
  readonly is_complete: boolean;
  readonly exact: boolean;
  readonly updated_at: number;
  readonly state: "pending" | "forming";
}

// Events

/** `data_updated`: official candles changed; `candles` is empty where they are too many for an event. */
export interface DataUpdatedEvent {
  readonly symbol: string;
  readonly interval: string;
  readonly timestamp: number;
  readonly version: number;
  readonly previous: number;
  readonly reason: "new" | "backfill" | "correction" | "repair";
  readonly candles: readonly KlineRow[];
  readonly from: number | null;
  readonly to: number | null;
}

/** `live_candle`: the forming candle of a series changed, or it closed. */
export interface LiveCandleEvent {
  readonly symbol: string;
  readonly interval: string;
  readonly candle: LiveCandleFields;
}

/** `live_price`: what traded since the last such event; never across a UTC second. */
export interface LivePriceEvent extends PriceUpdate {
  readonly symbol: string;
}

/** `gap_proven`: the exchange has no candles in these spans. */
export interface GapProvenEvent {
  readonly symbol: string;
  readonly interval: string;
  readonly missing: readonly SpanPair[];
}

/** `freshness`: a market's freshness changed. */
export interface FreshnessEvent extends Freshness {
  readonly symbol: string;
}

// Acknowledgements

/** `subscribe`, granted: what the server holds at this instant. */
export interface SubscribeAck {
  readonly ok: true;
  readonly version: number;
  readonly server_time: number;
  readonly live: readonly LiveCandleFields[];
  readonly missing: readonly SpanPair[];
  readonly freshness: Freshness;
}

/** `watch`, granted: the last prices of the followed ones among those asked for; null where none is known. */
export interface WatchAck {
  readonly ok: true;
  readonly prices: { readonly [symbol: string]: number | null };
}

/** Any message, refused. */
export interface RefusedAck {
  readonly ok: false;
  readonly code: string;
  readonly detail: string;
}

// Answers of REST

/** `GET /data?time=ms`: official candles as columns; two fields with `live=1`, two with `marks=1` alone. */
export interface DataAnswer {
  readonly symbol: string;
  readonly interval: string;
  readonly version: number;
  readonly count: number;
  readonly time: readonly number[];
  readonly open: readonly number[];
  readonly high: readonly number[];
  readonly low: readonly number[];
  readonly close: readonly number[];
  readonly volume: readonly number[];
  readonly has_more: boolean;
  readonly live?: readonly LiveCandleFields[];
  readonly missing?: readonly SpanPair[];
  /** Open times of this page's candles that the exchange changed after the close. */
  readonly corrected?: readonly number[];
  readonly gaps?: readonly GapSpan[];
}

/** `GET` and `POST /history`: how far back a series is stored, and how far the fetching of older candles is. */
export interface HistoryAnswer {
  readonly symbol: string;
  readonly interval: string;
  /** The oldest official candle stored, and the market's first one; null while not known. */
  readonly stored_from: number | null;
  readonly first: number | null;
  /** Nothing older exists. */
  readonly is_whole: boolean;
  /** `HISTORY_STORED_MAX`. */
  readonly limit: { readonly max: number; readonly stored: number; readonly is_reached: boolean };
  readonly job: HistoryJob | null;
}

/** `expected` is 0 while that is not known; `detail` a sentence, or empty. */
export interface HistoryJob {
  readonly state: "waiting" | "running" | "failed";
  readonly from: number;
  readonly reached: number | null;
  readonly fetched: number;
  readonly expected: number;
  readonly detail: string;
}

/** `POST /save-live-candle`. */
export type SaveAnswer =
  | { readonly status: "saved" }
  | { readonly status: "ignored"; readonly reason: string };

/** One followed market; what the exchange has not told yet is null. */
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

/** `GET /markets`. */
export interface MarketsAnswer {
  readonly markets: readonly Market[];
  /** How many there may be. */
  readonly max: number;
}

/** A market of the exchange, followed here or not, with its last 24 hours; what is not known is null. */
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

/** `GET /exchange/markets`: all that trade and all that are followed; `updated_at` is null before the first reading. */
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
  readonly panel?: "none" | "watchlist" | "truth" | "drawings";
  readonly tools?: boolean;
  readonly favourites?: readonly string[];
  readonly last?: { readonly symbol: string; readonly interval: string } | null;
  readonly studies?: readonly StudyFields[];
}

/** A study as settings and templates hold it; which kinds there are and what each takes: studies/study.ts. */
export interface StudyFields {
  readonly id: string;
  readonly kind: string;
  readonly inputs?: Readonly<Record<string, number | string>>;
  readonly style?: { readonly color?: string; readonly width?: number };
  readonly hidden?: boolean;
}

/** `GET` and `PUT /settings`; version 0: nothing was ever set. */
export interface SettingsAnswer {
  readonly settings: UserSettings;
  readonly version: number;
}

/** `GET` and `PUT /drawings/<symbol>`; version 0: nothing is drawn there. */
export interface DrawingsAnswer {
  readonly drawings: readonly DrawingFields[];
  readonly version: number;
}

/** `POST /login/link`. */
export interface LinkAnswer {
  readonly next: "/" | "/login/code";
}

/** What a user may do, each more than the one before it. */
export type UserRole = "viewer" | "trader" | "admin";

/** Every refusal of REST (RFC 9457). */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
}

/** What the page is told with its HTML. */
export interface PageConfig {
  readonly symbols: readonly string[];
  readonly markets: readonly MarketInPage[];
  readonly intervals: readonly string[];
  readonly symbol: string;
  readonly interval: string;
  readonly simulated: boolean;
  readonly signed_in: boolean;
  readonly user: string | null;
  readonly role: UserRole | null;
  readonly limit: number;
  /** null where nobody is signed in, or the store does not answer. */
  readonly settings: UserSettings | null;
  /** The markets that the one who is signed in has drawn on. */
  readonly drawn: readonly string[];
  /** The shown market's row of the exchange's list; null while there is none. */
  readonly ticker: ListedMarket | null;
}

/** A market whose steps with a fraction are the exchange's own decimal text. */
export type MarketInPage = Omit<Market, "tick_size" | "step_size"> & {
  readonly tick_size: string | number | null;
  readonly step_size: string | number | null;
};
