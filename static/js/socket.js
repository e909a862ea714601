// The Socket.IO side of the page: event names and payload shapes, nothing else knows them.
// Never here: when to connect again, what an event means, the DOM.
// Invariant: handlers get checked values; a malformed event is dropped, or says it brings no rows.

import { io } from "../vendor/socket.io.mjs";
import { officialFromRow } from "./candles/candle.js";
import { isMoment } from "./candles/interval.js";
import { spans } from "./candles/missing.js";

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
});

/** How fresh a market can be. */
const STATES = new Set(["live", "quiet", "stale", "offline"]);

/** The message of a refused connection that means: sign in. */
const UNAUTHORIZED = "unauthorized";

/** An acknowledgement later than this means the connection is dead, whatever TCP says. */
const ACK_TIMEOUT_MS = 4_000;

/** Connects only when told to; `handlers` are up, down, resync and one for each kind of event. */
export function createSocket(handlers, connect = io) {
  const socket = connect({ transports: ["websocket"], autoConnect: false, reconnection: false, timeout: ACK_TIMEOUT_MS });
  socket.on("connect", () => handlers.up());
  socket.on("disconnect", () => handlers.down({ isRefused: false }));
  socket.on("connect_error", (error) => handlers.down({ isRefused: error.message === UNAUTHORIZED }));
  socket.on(EVENTS.RESYNC, () => handlers.resync());
  socket.on(EVENTS.DATA_UPDATED, (payload) => pass(handlers.dataUpdated, dataUpdated(payload)));
  socket.on(EVENTS.LIVE_PRICE, (payload) => pass(handlers.livePrice, isObject(payload) ? payload : null));
  socket.on(EVENTS.LIVE_CANDLE, (payload) => pass(handlers.liveCandle, liveCandle(payload)));
  socket.on(EVENTS.GAP_PROVEN, (payload) => pass(handlers.gapProven, gapProven(payload)));
  socket.on(EVENTS.FRESHNESS, (payload) => pass(handlers.freshness, freshness(payload)));

  return Object.freeze({
    connect: () => socket.connect(),
    disconnect: () => socket.disconnect(),
    subscribe: async (series) => acked(await socket.timeout(ACK_TIMEOUT_MS).emitWithAck(EVENTS.SUBSCRIBE, named(series))),
    unsubscribe: (series) => socket.emit(EVENTS.UNSUBSCRIBE, named(series)),
  });
}

/** `rows` are all that changed from `from` to `to`, or null when the event does not carry them all. */
export function dataUpdated(payload) {
  if (!isObject(payload) || !Number.isInteger(payload.version)) return null;
  const { symbol, interval, version, previous, reason, from, to } = payload;
  return { symbol, interval, version, previous, reason, rows: rows(payload.candles, from, to) };
}

export function liveCandle(payload) {
  if (!isObject(payload) || !isObject(payload.candle)) return null;
  return { symbol: payload.symbol, interval: payload.interval, candle: payload.candle };
}

/** Gaps among the candles that the exchange has proven: `missing` as `spans` gives it. */
export function gapProven(payload) {
  if (!isObject(payload) || !Array.isArray(payload.missing)) return null;
  return { symbol: payload.symbol, interval: payload.interval, missing: spans(payload.missing) };
}

/** How fresh a market is, in the server's judgement: `{symbol, state, since, why}`, or null. */
export function freshness(payload) {
  if (!isObject(payload) || !STATES.has(payload.state) || !isSince(payload.since)) return null;
  const { symbol, state, since, why } = payload;
  return { symbol, state, since, why: typeof why === "string" ? why : "" };
}

/** An acknowledgement: `live` are the candles beside the official ones, `missing` the proven gaps. */
export function acked(payload) {
  if (!isObject(payload)) return { ok: false };
  const live = Array.isArray(payload.live) ? payload.live : [];
  return { ...payload, live, missing: spans(payload.missing), freshness: freshness(payload.freshness) };
}

function rows(candles, from, to) {
  if (!Array.isArray(candles) || candles.length === 0) return null;
  try {
    const read = candles.map(officialFromRow);
    return read[0].time === from && read.at(-1).time === to ? read : null;
  } catch {
    return null;
  }
}

function pass(handler, value) {
  if (value !== null) handler(value);
}

function named(series) {
  return { symbol: series.symbol, interval: series.interval.name };
}

/** A time, or null where the server does not know since when. */
function isSince(value) {
  return value === null || isMoment(value);
}

function isObject(value) {
  return value !== null && typeof value === "object";
}
