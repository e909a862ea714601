// The shapes of what is said over Socket.IO, as the server's /asyncapi.json has them.
// Never here: anything written by hand: `python -m tools.protocol_types` makes it of truecandle/web/event_schemas.py.
// Invariant: a real event of each kind is of its type (tests/e2e/test_protocol.py). Times are ms
// since 1970 (UTC); prices and volumes are JSON numbers, read as floats here only.

import type { Freshness, FreshnessState, LiveCandleFields, SpanPair } from "./protocol.ts";

/** An official candle as the exchange's twelve fields. */
export type KlineRow = readonly [openMs: number, open: number, high: number, low: number, close: number, volume: number, closeMs: number, quoteVolume: number, trades: number, takerVolume: number, takerQuoteVolume: number, unused: number];

export interface DataUpdatedEvent {
  readonly symbol: string;
  readonly interval: string;
  /** When it was published. */
  readonly timestamp: number;
  /** Of the series' official candles; grows with every change of them. */
  readonly version: number;
  /** The version before: who knows another one has missed something. */
  readonly previous: number;
  readonly reason: "new" | "backfill" | "correction" | "repair";
  /** Added or corrected, oldest first; empty where they are too many for an event. */
  readonly candles: readonly KlineRow[];
  /** Open time of the first that changed. */
  readonly from: number | null;
  /** Open time of the last that changed. */
  readonly to: number | null;
  /** In the few events that are traced, to a few of those who hear them (W3C Trace Context): who draws says when it was drawn, by `traced`. */
  readonly traceparent?: string;
}

export interface LiveCandleEvent {
  readonly symbol: string;
  readonly interval: string;
  readonly candle: LiveCandleFields;
  /** In the few events that are traced, to a few of those who hear them (W3C Trace Context): who draws says when it was drawn, by `traced`. */
  readonly traceparent?: string;
}

export interface LivePriceEvent {
  readonly symbol: string;
  /** Of the last trade. */
  readonly price: number;
  /** Of the last trade. */
  readonly timestamp: number;
  readonly high: number;
  readonly low: number;
  readonly volume: number;
  /** It holds `first_id` to `last_id` without a hole if they are so many. */
  readonly trades: number;
  readonly first_id: number;
  readonly last_id: number;
  /** In the few events that are traced, to a few of those who hear them (W3C Trace Context): who draws says when it was drawn, by `traced`. */
  readonly traceparent?: string;
}

export interface GapProvenEvent {
  readonly symbol: string;
  readonly interval: string;
  readonly missing: readonly SpanPair[];
}

export interface FreshnessEvent {
  readonly symbol: string;
  readonly state: FreshnessState;
  readonly since: number | null;
  readonly why: string;
}

export interface SeriesMessage {
  /** A followed market, as the exchange writes it. */
  readonly symbol: string;
  readonly interval: "1s" | "1m" | "3m" | "5m" | "15m" | "30m" | "1h" | "2h" | "4h" | "6h" | "8h" | "12h" | "1d" | "3d" | "1w" | "1M";
}

export interface WatchMessage {
  readonly symbols: readonly string[];
}

export interface TracedMessage {
  /** That of the event. */
  readonly traceparent: string;
  /** How many µs after it was heard it was drawn. */
  readonly drawn_us: number;
}

/** What the server holds at this instant. */
export interface SubscribeAck {
  readonly ok: true;
  /** Of the series' official candles; grows with every change of them. */
  readonly version: number;
  /** The exchange's time at this instant. */
  readonly server_time: number;
  readonly live: readonly LiveCandleFields[];
  /** Where the exchange has proven to have no candle. */
  readonly missing: readonly SpanPair[];
  readonly freshness: Freshness;
}

export interface UnsubscribeAck {
  readonly ok: true;
  /** Of the series' official candles; grows with every change of them. */
  readonly version: number;
  /** The exchange's time at this instant. */
  readonly server_time: number;
}

export interface WatchAck {
  readonly ok: true;
  /** The last price of each that is followed; null where none is known. */
  readonly prices: { readonly [name: string]: number | null };
}

export interface TracedAck {
  readonly ok: true;
}

/** Any message, refused. */
export interface RefusedAck {
  readonly ok: false;
  readonly code: "parameter" | "unknown-market" | "unknown-interval" | "too-many" | "unauthorized" | "unavailable" | "event" | "error";
  readonly detail: string;
}
