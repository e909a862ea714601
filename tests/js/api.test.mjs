import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError, createApi } from "../../static/src/net/api.ts";
import { EVENTS, acked, createSocket, dataUpdated, gapProven } from "../../static/src/net/socket.ts";
import { reportDrawn } from "../../static/src/net/traceReport.ts";

const DATA = { version: 7, time: [0, 60_000], open: [1, 1], high: [2, 2], low: [1, 1], close: [2, 2], volume: [3, 3], has_more: true };
const SERIES = { symbol: "BTCUSDT", interval: "1m", limit: 2 };

function answering(body, init = {}) {
  const requests = [];
  const fetch = async (url, options) => {
    requests.push({ url, ...options });
    return new Response(typeof body === "string" ? body : JSON.stringify(body), init);
  };
  return { api: createApi({ fetch, csrfToken: "token" }), requests };
}

test("an answer becomes candles, with version and what is live", async () => {
  const { api, requests } = answering({ ...DATA, live: [{ time: 1 }] }, { headers: { Date: "Thu, 01 Aug 2024 00:00:00 GMT" } });
  const answer = await api.data({ ...SERIES, live: true, before: 5 });
  assert.deepEqual(answer.candles[1], { time: 60_000, open: 1, high: 2, low: 1, close: 2, volume: 3 });
  assert.deepEqual([answer.version, answer.hasMore, answer.live.length, answer.serverMs], [7, true, 1, Date.UTC(2024, 7, 1)]);
  assert.equal(requests[0].url, "/data?symbol=BTCUSDT&interval=1m&limit=2&time=ms&before=5&live=1");
});

test("a problem answer becomes an error in the server's own words", async () => {
  const problem = { type: "about:blank", title: "Not found", status: 404, detail: "NOPE is not followed.", code: "unknown_market" };
  const { api } = answering(problem, { status: 404, headers: { "Content-Type": "application/problem+json" } });
  await assert.rejects(api.data(SERIES), (error) => error instanceof ApiError && error.status === 404 && error.message === problem.detail);
});

test("HTML, cut JSON and answers of another shape are errors, never candles", async () => {
  for (const body of ["<html>", '{"version": 7, "time": [', "null", "[]", "{}", { ...DATA, version: "7" }, { ...DATA, close: null }]) {
    await assert.rejects(answering(body).api.data(SERIES), ApiError, JSON.stringify(body));
  }
  await assert.rejects(answering("<html>", { status: 502 }).api.data(SERIES), (error) => error.status === 502);
});

test("Retry-After is kept, within reason", async () => {
  const waits = { 7: 7_000, 999999999: 3_600_000, soon: null, "-1": null };
  for (const [header, expected] of Object.entries(waits)) {
    const { api } = answering({}, { status: 429, headers: { "Retry-After": header } });
    await assert.rejects(api.data(SERIES), (error) => error.retryAfterMs === expected, header);
  }
});

test("a dead network is an error with status 0, an abort stays an abort", async () => {
  const api = createApi({ fetch: async () => { throw new TypeError("failed"); }, csrfToken: "" });
  await assert.rejects(api.data(SERIES), (error) => error.status === 0);
  const controller = new AbortController();
  controller.abort();
  await assert.rejects(api.data({ ...SERIES, signal: controller.signal }), (error) => error.name === "AbortError");
});

test("an offer carries the CSRF token and the candle as JSON", async () => {
  const { api, requests } = answering({ status: "saved" });
  assert.deepEqual(await api.save({ symbol: "BTCUSDT", interval: "1m", candle: { time: 0 } }), { status: "saved" });
  assert.deepEqual([requests[0].method, requests[0].headers["X-CSRFToken"]], ["POST", "token"]);
  assert.deepEqual(JSON.parse(requests[0].body), { symbol: "BTCUSDT", interval: "1m", candle: { time: 0 } });
});

test("an event's rows count only when they are all that changed", () => {
  const row = (time) => [time, 1, 2, 1, 2, 3, time + 59_999, 1, 1, 1, 1, 0];
  const event = { symbol: "BTCUSDT", interval: "1m", version: 2, previous: 1, reason: "new" };
  assert.equal(dataUpdated({ ...event, candles: [row(0), row(60_000)], from: 0, to: 60_000 }).rows.length, 2);
  assert.equal(dataUpdated({ ...event, candles: [row(60_000)], from: 0, to: 60_000 }).rows, null);
  assert.equal(dataUpdated({ ...event, candles: [], from: 0, to: 60_000 }).rows, null);
  assert.equal(dataUpdated({ ...event, candles: [["x"]], from: 0, to: 0 }).rows, null);
  for (const junk of [null, 1, {}, { ...event, version: "2" }]) assert.equal(dataUpdated(junk), null);
});

test("the socket uses WebSocket only, connects only when told, and tells refusals from losses", () => {
  const listeners = new Map();
  let options;
  const connect = (given) => {
    options = given;
    return { on: (name, listener) => listeners.set(name, listener), onAny: (listener) => listeners.set("*", listener), emit: (...message) => sent.push(message) };
  };
  const [downs, sent, traced] = [[], [], []];
  let heard = 0;
  const socket = createSocket({ heard: () => (heard += 1), traced: (traceparent) => traced.push(traceparent), up: () => {}, down: (why) => downs.push(why.isRefused), dataUpdated: () => {}, livePrice: () => {}, liveCandle: () => {} }, connect);
  assert.deepEqual([options.transports, options.autoConnect, options.reconnection], [["websocket"], false, false]);
  listeners.get("connect_error")(new Error("unauthorized"));
  listeners.get("connect_error")(new Error("websocket error"));
  listeners.get("disconnect")("transport close");
  assert.deepEqual(downs, [true, false, false]);
  listeners.get("*")("whatever");
  assert.equal(heard, 1);
  for (const payload of [null, 1, {}, { traceparent: 7 }, { traceparent: "00-1-2-01" }]) listeners.get("*")("live_price", payload);
  assert.deepEqual(traced, ["00-1-2-01"]);
  socket.traced("00-1-2-01", 8.5);
  assert.deepEqual(sent, [["traced", { traceparent: "00-1-2-01", drawn_us: 8_500 }]]);
  for (const name of [EVENTS.DATA_UPDATED, EVENTS.LIVE_PRICE, EVENTS.LIVE_CANDLE, EVENTS.GAP_PROVEN]) assert.ok(listeners.has(name));
});

test("an event that is traced is reported once its frame is done, once a second, and never by a page that is hidden or late", () => {
  const [reports, waiting] = [[], []];
  const frames = { now: () => nowMs, isHidden: () => isHidden, nextFrame: (then) => waiting.push(then), nextTask: (then) => waiting.push(then) };
  let [nowMs, isHidden] = [10_000, false];
  const report = (traceparent, heardMs = nowMs) => {
    reportDrawn(traceparent, heardMs, (...given) => reports.push(given), frames);
    while (waiting.length > 0) {
      nowMs += 10;
      waiting.shift()();
    }
  };
  report("first");
  assert.deepEqual(reports, [["first", 30]]);
  report("too soon");
  nowMs += 1_000;
  report("too late", nowMs - 60);
  isHidden = true;
  report("hidden");
  isHidden = false;
  report("second");
  assert.deepEqual(reports.map(([traceparent]) => traceparent), ["first", "second"]);
});

test("the followed markets come as they are, and what is none is left out", async () => {
  const { api, requests } = answering({ markets: [{ symbol: "BTCUSDT", tick_size: 0.01 }, null, { symbol: 7 }], max: 200 });
  assert.deepEqual(await api.markets(), [{ symbol: "BTCUSDT", tick_size: 0.01 }]);
  assert.equal(requests[0].url, "/markets");
  assert.deepEqual(await answering({ markets: {} }).api.markets(), []);
});

test("a market is followed with the CSRF token, and a refusal is in the server's words", async () => {
  const { api, requests } = answering({ symbol: "PEPEUSDT", tick_size: 0.00000001 }, { status: 201 });
  assert.equal((await api.follow("PEPEUSDT")).tick_size, 1e-8);
  assert.deepEqual([requests[0].method, requests[0].headers["X-CSRFToken"], requests[0].body], ["POST", "token", '{"symbol":"PEPEUSDT"}']);
  const problem = { status: 422, detail: "The exchange lists no market NOPE.", code: "not-listed" };
  await assert.rejects(answering(problem, { status: 422 }).api.follow("NOPE"), (error) => error.message === problem.detail);
});

test("what is proven missing comes as spans, and what is none is left out", () => {
  const payload = { symbol: "BTCUSDT", interval: "1m", missing: [[1, 3], [5, 5], [7], "9", [4, null], [8, 9]] };
  const missing = [{ startMs: 1, endMs: 3 }, { startMs: 8, endMs: 9 }];
  assert.deepEqual(gapProven(payload), { symbol: "BTCUSDT", interval: "1m", missing });
  assert.deepEqual(acked({ ok: true, missing: payload.missing }).missing, missing);
  assert.deepEqual(acked({ ok: true }).missing, []);
  for (const junk of [null, 7, {}, { missing: {} }]) assert.equal(gapProven(junk), null);
});
