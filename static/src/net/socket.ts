// The Socket.IO side of the page: event names and payload shapes, nothing else knows them.
// Never here: when to connect again, what an event means, the DOM.
// Invariant: handlers get checked values; a malformed event is dropped, or says it brings no rows.

import { io } from "socket.io-client";
import { officialFromRow, type Candle, type Unchecked } from "../candles/candle.ts";
import { isInteger, isMoment } from "../candles/interval.ts";
import { spans, type MissingSpan } from "../candles/missing.ts";
import type { Series } from "../candles/series.ts";
import { below } from "./basePath.ts";
import { freshness } from "./freshness.ts";
import type { Freshness } from "./protocol.ts";
import type { DataUpdatedEvent, FreshnessEvent, GapProvenEvent, LiveCandleEvent, LivePriceEvent, RefusedAck, SubscribeAck, TracedMessage, WatchAck } from "./socketProtocol.ts";

/** Names on the wire; the same as in truecandle/events.py. */
export const EVENTS = Object.freeze({
  DATA_UPDATED: "data_updated",
  LIVE_PRICE: "live_price",
  LIVE_CANDLE: "live_candle",
  GAP_PROVEN: "gap_proven",
  FRESHNESS: "freshness",
  RESYNC: "resync",
  SUBSCRIBE: "subscribe",
  UNSUBSCRIBE: "unsubscribe",
  WATCH: "watch",
  TRACED: "traced",
});

/** Official candles changed; `rows` is null when the event does not carry all of them. The open times of the first and
 * the last are null where it does not say so. */
export type DataUpdated = Unchecked<DataUpdatedEvent> & {
  readonly version: number;
  readonly rows: Candle[] | null;
  readonly fromMs: number | null;
  readonly toMs: number | null;
};
export type LiveCandleTold = Unchecked<LiveCandleEvent> & { readonly candle: object };
export type GapsTold = Unchecked<GapProvenEvent> & { readonly missing: MissingSpan[] };
export type FreshnessTold = Freshness & { readonly symbol: unknown };

/** An acknowledged subscription; `ok` false: a refusal, or no answer that could be read. */
export type SubscribeAnswer =
  | (Unchecked<RefusedAck> & { readonly ok: false })
  | (Unchecked<SubscribeAck> & { readonly ok: true; readonly live: unknown[]; readonly missing: MissingSpan[]; readonly freshness: Freshness | null });

/** An acknowledged `watch`: the last prices that are known. */
export type WatchAnswer = { readonly ok: false } | { readonly ok: true; readonly prices: WatchAck["prices"] };

/** What the page does with what it hears. */
export interface SocketHandlers {
  /** Anything at all came from the server. */
  readonly heard: () => void;
  /** An event that is traced came; it is handed over next. */
  readonly traced: (traceparent: string) => void;
  readonly up: () => void;
  readonly down: (why: { readonly isRefused: boolean }) => void;
  readonly resync: () => void;
  readonly dataUpdated: (event: DataUpdated) => void;
  readonly livePrice: (event: Unchecked<LivePriceEvent>) => void;
  readonly liveCandle: (event: LiveCandleTold) => void;
  readonly gapProven: (event: GapsTold) => void;
  readonly freshness: (event: FreshnessTold) => void;
}

/** The page's end of the connection. */
export interface EventSocket {
  readonly connect: () => void;
  readonly disconnect: () => void;
  readonly subscribe: (series: Series) => Promise<SubscribeAnswer>;
  readonly unsubscribe: (series: Series) => void;
  /** Hears the prices of these markets, and of no others that were watched before. */
  readonly watch: (symbols: readonly string[]) => Promise<WatchAnswer>;
  /** An event that is traced was drawn so long after it was heard. */
  readonly traced: (traceparent: string, drawnMs: number) => void;
}

/** The message of a refused connection that means: sign in. */
const UNAUTHORIZED = "unauthorized";

/** An acknowledgement later than this means the connection is dead, whatever TCP says. */
const ACK_TIMEOUT_MS = 4_000;

/** Connects only when told to; `handlers` are up, down, resync and one for each kind of event. */
export function createSocket(handlers: SocketHandlers, connect: typeof io = io): EventSocket {
  const socket = connect({ path: below("/socket.io/"), transports: ["websocket"], autoConnect: false, reconnection: false, timeout: ACK_TIMEOUT_MS });
  socket.onAny((_name: unknown, payload: unknown) => {
    handlers.heard();
    if (isObject<TracedMessage>(payload) && typeof payload.traceparent === "string") handlers.traced(payload.traceparent);
  });
  socket.on("connect", () => handlers.up());
  socket.on("disconnect", () => handlers.down({ isRefused: false }));
  socket.on("connect_error", (error) => handlers.down({ isRefused: error.message === UNAUTHORIZED }));
  socket.on(EVENTS.RESYNC, () => handlers.resync());
  socket.on(EVENTS.DATA_UPDATED, (payload: unknown) => pass(handlers.dataUpdated, dataUpdated(payload)));
  socket.on(EVENTS.LIVE_PRICE, (payload: unknown) => pass(handlers.livePrice, isObject(payload) ? payload : null));
  socket.on(EVENTS.LIVE_CANDLE, (payload: unknown) => pass(handlers.liveCandle, liveCandle(payload)));
  socket.on(EVENTS.GAP_PROVEN, (payload: unknown) => pass(handlers.gapProven, gapProven(payload)));
  socket.on(EVENTS.FRESHNESS, (payload: unknown) => pass(handlers.freshness, freshnessTold(payload)));

  return Object.freeze({
    connect: () => socket.connect(),
    disconnect: () => socket.disconnect(),
    subscribe: async (series: Series) => acked(await socket.timeout(ACK_TIMEOUT_MS).emitWithAck(EVENTS.SUBSCRIBE, named(series))),
    unsubscribe: (series: Series) => socket.emit(EVENTS.UNSUBSCRIBE, named(series)),
    watch: async (symbols: readonly string[]) => watched(await socket.timeout(ACK_TIMEOUT_MS).emitWithAck(EVENTS.WATCH, { symbols })),
    traced: (traceparent: string, drawnMs: number) => socket.emit(EVENTS.TRACED, { traceparent, drawn_us: Math.round(drawnMs * 1_000) }),
  });
}

/** `rows` are all that changed from `from` to `to`, or null when the event does not carry them all. */
export function dataUpdated(payload: unknown): DataUpdated | null {
  if (!isObject<DataUpdatedEvent>(payload)) return null;
  const { symbol, interval, version, previous, reason, candles, from, to } = payload;
  if (!isInteger(version)) return null;
  const [fromMs, toMs] = isMoment(from) && isMoment(to) && from <= to ? [from, to] : [null, null];
  return { symbol, interval, version, previous, reason, rows: rows(candles, from, to), fromMs, toMs };
}

export function liveCandle(payload: unknown): LiveCandleTold | null {
  if (!isObject<LiveCandleEvent>(payload)) return null;
  const { symbol, interval, candle } = payload;
  return isObject(candle) ? { symbol, interval, candle } : null;
}

/** Gaps among the candles that the exchange has proven: `missing` as `spans` gives it. */
export function gapProven(payload: unknown): GapsTold | null {
  if (!isObject<GapProvenEvent>(payload) || !Array.isArray(payload.missing)) return null;
  return { symbol: payload.symbol, interval: payload.interval, missing: spans(payload.missing) };
}

/** How fresh a market is, in the server's judgement: `{symbol, state, since, why}`, or null. */
export function freshnessTold(payload: unknown): FreshnessTold | null {
  const judged = freshness(payload);
  return judged === null ? null : { symbol: (payload as Unchecked<FreshnessEvent>).symbol, ...judged };
}

/** An acknowledgement: `live` are the candles beside the official ones, `missing` the proven gaps. */
export function acked(payload: unknown): SubscribeAnswer {
  if (!isObject<SubscribeAck>(payload)) return { ok: false };
  const live = Array.isArray(payload.live) ? payload.live : [];
  const ok = Boolean(payload.ok);
  return { ...payload, ok, live, missing: spans(payload.missing), freshness: freshness(payload.freshness) };
}

/** An acknowledgement of `watch`. */
export function watched(payload: unknown): WatchAnswer {
  if (!isObject<WatchAck>(payload) || !payload.ok || !isObject(payload.prices)) return { ok: false };
  return { ok: true, prices: payload.prices as WatchAck["prices"] };
}

function rows(candles: unknown, from: unknown, to: unknown): Candle[] | null {
  if (!Array.isArray(candles)) return null;
  try {
    const read = candles.map(officialFromRow);
    return read.length > 0 && read[0]?.time === from && read.at(-1)?.time === to ? read : null;
  } catch {
    return null;
  }
}

function pass<T>(handler: (value: T) => void, value: T | null) {
  if (value !== null) handler(value);
}

function named(series: Series) {
  return { symbol: series.symbol, interval: series.interval.name };
}

function isObject<T>(value: unknown): value is Unchecked<T> & object {
  return value !== null && typeof value === "object";
}
