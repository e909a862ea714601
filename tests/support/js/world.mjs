// A world for the session: a clock turned by hand, a server with one truth, a chart that keeps its rules.
import assert from "node:assert/strict";

import { parseSeries } from "../../../static/src/candles/series.ts";
import { Connection } from "../../../static/src/net/connection.ts";
import { Session } from "../../../static/src/state/session.ts";
import { acked, dataUpdated } from "../../../static/src/net/socket.ts";

export const T0 = Date.UTC(2024, 7, 1);
const MINUTE = 60_000;

/** Lets everything happen that needs no time to pass. */
export async function settled(turns = 6) {
  for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
}

export class Clock {
  #timers = new Map();
  #next = 1;

  constructor(ms) {
    this.ms = ms;
    this.random = () => 1;
    this.now = () => this.ms;
    this.setTimeout = (callback, delay) => {
      this.#timers.set(this.#next, { at: this.ms + delay, callback });
      return this.#next++;
    };
    this.clearTimeout = (timer) => this.#timers.delete(timer);
  }

  async advance(ms) {
    const end = this.ms + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) => timer.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (due === undefined) break;
      this.#timers.delete(due[0]);
      this.ms = Math.max(this.ms, due[1].at);
      due[1].callback();
      await settled(2);
    }
    this.ms = end;
    await settled(2);
  }
}

/** Official candles of every series, versions, and what REST and subscribe answer of them. */
export class Server {
  constructor(clock) {
    this.clock = clock;
    this.series = new Map();
    this.requests = [];
    this.saves = [];
    this.hold = null; // when set: (answer) => Promise of the answer
    this.fail = null; // when set: thrown at the next requests
    this.saved = { status: "ignored", reason: "live" };
    this.live = [];
    this.missing = [];
    this.corrected = [];
    this.gaps = [];
    this.histories = []; // each request to /history: what it wished for, or null
    this.wished = null; // the job that runs
    this.firstMs = null; // the market's first candle, once it is known
    this.storedMax = 200_000;
    this.freshness = { state: "live", since: T0, why: "Trades arrive." };
  }

  of(name) {
    if (!this.series.has(name)) this.series.set(name, { rows: new Map(), version: 0 });
    return this.series.get(name);
  }

  /** Writes rows as the store does, and returns the event that tells of it. */
  write(name, rows, reason = "new") {
    const series = this.of(name);
    const previous = series.version;
    for (const row of rows) series.rows.set(row.time, row);
    series.version = Math.max(previous + 1, this.clock.ms);
    const [symbol, interval] = name.split(":");
    const candles = rows.length <= 10 ? rows.map(toRow) : [];
    const range = { from: rows[0].time, to: rows.at(-1).time };
    return { symbol, interval, timestamp: this.clock.ms, version: series.version, previous, reason, candles, ...range };
  }

  /** The marks of a page, as `api.data` reads them. */
  marks(candles, isNewest) {
    const [fromMs, lastMs] = [candles[0]?.time ?? Infinity, candles.at(-1)?.time ?? -Infinity];
    const corrected = this.corrected.filter((time) => candles.some((candle) => candle.time === time));
    const gaps = this.gaps.filter(({ startMs, endMs }) => endMs >= fromMs && (isNewest || startMs <= lastMs + MINUTE));
    return { fromMs, toMs: isNewest ? Infinity : lastMs, corrected, gaps };
  }

  /** What `/history` answers; `fromMs` is wished for, null: only asked about. */
  older(name, fromMs) {
    this.histories.push(fromMs);
    if (this.fail !== null) throw this.fail;
    if (fromMs !== null) this.wished = { state: "running", from: fromMs, reached: null, fetched: 0, expected: 0, detail: "" };
    const times = [...this.of(name).rows.keys()];
    const storedMs = times.length > 0 ? Math.min(...times) : null;
    if (this.wished !== null && storedMs <= Math.max(this.wished.from, this.firstMs ?? 0)) this.wished = null;
    const limit = { max: this.storedMax, stored: times.length, is_reached: times.length >= this.storedMax };
    return { stored_from: storedMs, first: this.firstMs, is_whole: storedMs === this.firstMs, limit, job: this.wished };
  }

  api() {
    return {
      data: async ({ symbol, interval, limit, before = null, live = false, marks = false, signal }) => {
        this.requests.push({ symbol, interval, limit, before, live });
        if (this.fail !== null) throw this.fail;
        const series = this.of(`${symbol}:${interval}`);
        const all = [...series.rows.values()].sort((a, b) => a.time - b.time).filter((row) => before === null || row.time < before);
        const candles = all.slice(-limit);
        const answer = { version: series.version, candles, live: live ? this.live : [], missing: live ? this.missing.map(([startMs, endMs]) => ({ startMs, endMs })) : [], marks: marks ? this.marks(candles, before === null) : null, hasMore: candles.length < all.length, serverMs: null };
        const held = this.hold === null ? answer : await this.hold(answer);
        if (signal?.aborted) throw new DOMException("replaced", "AbortError");
        return held;
      },
      history: async ({ symbol, interval }) => this.older(`${symbol}:${interval}`, null),
      wish: async ({ symbol, interval, fromMs }) => this.older(`${symbol}:${interval}`, fromMs),
      freshness: async () => {
        if (this.fail !== null) throw this.fail;
        return this.freshness;
      },
      save: async (offer) => {
        this.saves.push({ at: this.clock.ms, ...offer });
        return this.saved;
      },
    };
  }
}

/** Refuses what lightweight-charts would refuse, and remembers what is drawn. */
export class Chart {
  history = new Map();
  tail = new Map();
  frames = 0;
  /** Where the reader is: far from the first candle, at the newest one. */
  reach = { left: 1_000, width: 120 };
  middleMs = null;
  start = null;

  onNeedOlder(callback) {
    this.scrollBack = callback;
  }

  begin(series) {
    this.series = series;
    this.history = new Map();
    this.tail = new Map();
  }

  learn(series) {
    this.series = series;
  }

  mark({ corrected, gaps }) {
    this.marks = { corrected, gaps };
  }

  setHistory(rows, live) {
    ascending(rows.map((row) => row.time));
    this.history = new Map(rows.map((row) => [row.time, row]));
    this.setTail(live);
  }

  change({ prepended, appended, replaced, isWhole }, rows, live) {
    assert.equal(isWhole, false);
    const first = [...this.history.keys()][0] ?? Infinity;
    for (const row of prepended) assert.ok(row.time < first, "puts a bar before the first one that is not older");
    if (prepended.length > 0) this.history = new Map([...prepended.map((row) => [row.time, row]), ...this.history]);
    const last = [...this.history.keys()].at(-1) ?? -1;
    for (const row of replaced) assert.ok(this.history.has(row.time), "corrects a bar that is not drawn");
    for (const row of appended) assert.ok(row.time > last, "appends a bar before the last one");
    for (const row of [...replaced, ...appended]) this.history.set(row.time, row);
    assert.equal(this.history.size, rows.length);
    this.setTail(live);
  }

  setTail(live) {
    ascending(live.map(({ candle }) => candle.time));
    for (const { candle } of live) assert.ok(!this.history.has(candle.time), "a bar is doubled");
    this.tail = new Map(live.map(({ candle, state }) => [candle.time, { ...candle, state }]));
    this.frames += 1;
  }


  get precision() {
    return 2;
  }

  reveal(timeMs) {
    assert.ok(this.history.has(timeMs), "shows a candle that is not drawn");
    this.revealed = timeMs;
    this.middleMs = timeMs;
  }

  goTo(openMs) {
    this.pointed = openMs;
    return true;
  }

  toNow() {
    this.revealed = "now";
    this.middleMs = null;
  }

  markStart(timeMs) {
    this.start = timeMs;
  }

  get drawn() {
    return [...this.history.values(), ...this.tail.values()].sort((a, b) => a.time - b.time);
  }
}

/** One page: a session with its socket end, its server and what it shows. */
export class Page {
  constructor({ skewMs = 0, limit = 500, canPost = true, canAsk = true, startMs = T0 } = {}) {
    this.clock = new Clock(startMs + skewMs);
    this.skewMs = skewMs;
    this.server = new Server(this.clock);
    this.chart = new Chart();
    this.views = [];
    this.closed = [];
    this.connects = 0;
    this.isReachable = true;
    this.isRefused = false;
    this.isDeaf = false;
    this.subscribed = [];
    this.unsubscribed = [];
    this.settings = { limit, canPost, canAsk };
    this.connection = new Connection(this.clock);
    this.session = this.#session(this.chart, this);
    this.handlers = { ...this.session.handlers, up: () => this.connection.up(), down: (why) => this.connection.down(why) };
  }

  /** Another chart on the same connection. */
  async beside(symbol, interval) {
    const other = { chart: new Chart(), closed: [] };
    other.session = this.#session(other.chart, other);
    other.handlers = other.session.handlers;
    other.session.start(parseSeries(symbol, interval));
    await settled();
    return other;
  }

  #session(chart, shown) {
    const page = { render: (view) => (shown.view = view), onClosed: (row) => shown.closed.push(row) };
    return new Session({ connection: this.connection, api: this.server.api(), chart, page, clock: this.clock, ...this.settings });
  }

  async open(symbol = "BTCUSDT", interval = "1m") {
    this.session.start(parseSeries(symbol, interval));
    this.connection.start(this.#socket());
    await settled();
  }

  async choose(symbol, interval) {
    this.session.open(parseSeries(symbol, interval));
    await settled();
  }

  /** What the server answers to a subscription: version and live candles of one instant. */
  ack({ name }) {
    const { live, missing, freshness } = this.server;
    return { ok: true, version: this.server.of(name).version, server_time: this.clock.ms - this.skewMs, live, missing, freshness };
  }

  /** An event as it comes off the wire. */
  async hear(event) {
    this.handlers.dataUpdated(dataUpdated(JSON.parse(JSON.stringify(event))));
    await settled();
  }

  /** From now on something is heard every second that changes nothing here: no silence has to be broken. */
  chatter() {
    this.handlers.heard();
    this.clock.setTimeout(() => this.chatter(), 1_000);
  }

  drop() {
    this.handlers.down({ isRefused: false });
  }

  #socket() {
    return {
      connect: () => {
        this.connects += 1;
        if (this.isRefused) this.handlers.down({ isRefused: true });
        else if (this.isReachable) this.handlers.up();
        else this.handlers.down({ isRefused: false });
      },
      disconnect: () => this.handlers.down({ isRefused: false }),
      subscribe: async (series) => {
        this.subscribed.push(series.name);
        if (this.isDeaf === "mute") return new Promise(() => {});
        if (this.isDeaf) throw new Error("operation has timed out");
        if (this.refuse) return { ok: false, code: "unknown", detail: "not followed" };
        return acked(await this.ack(series));
      },
      unsubscribe: (series) => this.unsubscribed.push(series.name),
    };
  }
}

export function row(i, close = 100 + (i % 7), interval = MINUTE) {
  return { time: T0 + i * interval, open: 100, high: 120, low: 80, close, volume: 1 + i };
}

export function live(i, close, updatedMs, more = {}) {
  const time = T0 + i * MINUTE;
  return { time, open: 100, high: 130, low: 70, close, volume: 2, trades: 3, source: "live", is_complete: false, exact: true, updated_at: updatedMs, ...more };
}

/** A `live_price` of the trades from `first` to `last`, the last of which happened then. */
export function price(at, value, first, last = first, more = {}) {
  return {
    symbol: "BTCUSDT", price: value, timestamp: at, high: value, low: value, volume: last - first + 1, trades: last - first + 1,
    first_id: first, last_id: last, ...more,
  };
}

function toRow({ time, open, high, low, close, volume }) {
  return [time, open, high, low, close, volume, time + MINUTE - 1, 1, 1, 1, 1, 0];
}

function ascending(times) {
  for (let i = 1; i < times.length; i += 1) assert.ok(times[i] > times[i - 1], "bars out of order");
}
