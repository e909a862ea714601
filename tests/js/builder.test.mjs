import assert from "node:assert/strict";
import { test } from "node:test";

import { LiveCandleBuilder, PENDING_MAX } from "../../static/js/candles/builder.js";
import { add } from "../../static/js/candles/candle.js";
import { INTERVALS } from "../../static/js/candles/interval.js";
import { randomOf, shuffled } from "./random.mjs";
import { intervalOf, vectors } from "./vectors.mjs";

const { cases } = vectors("builder");
const MINUTE = INTERVALS["1m"];
const T0 = 1722470400000;

const price = (at, value, volume = 1) => ({ price: value, timestamp: T0 + at, high: value, low: value, volume, trades: 1 });
const server = (at, updated, close, more = {}) => ({
  time: T0 + at, open: 100, high: 110, low: 90, close, volume: 5, trades: 5, source: "live", is_complete: false,
  updated_at: T0 + updated, ...more,
});

function shown(candle) {
  const { time, open, high, low, close, volume, trades } = candle;
  return { time, open, high, low, close, volume, trades };
}

test("trades in order, each once, build the candles of the shared vectors", () => {
  const ordered = cases.filter((item) => item.ordered);
  assert.ok(ordered.length > 0);
  for (const item of ordered) {
    const builder = new LiveCandleBuilder(intervalOf(item));
    for (const { trade, newest } of item.events) {
      const { price: value, quantity, time, first_id: first, last_id: last } = trade;
      builder.addPrice({ price: value, timestamp: time, high: value, low: value, volume: quantity, trades: last - first + 1 });
      if (newest) assert.deepEqual(shown(builder.forming), newest, item.name);
    }
    assert.deepEqual([...builder.pending, builder.forming].filter(Boolean).map(shown), item.candles, item.name);
  }
});

test("a price of a candle before the newest changes nothing", () => {
  const builder = new LiveCandleBuilder(MINUTE);
  builder.addPrice(price(1_000, 100));
  builder.addPrice(price(60_001, 101));
  const before = JSON.stringify([builder.pending, builder.forming]);
  assert.equal(builder.addPrice(price(59_999, 1)), false);
  assert.equal(JSON.stringify([builder.pending, builder.forming]), before);
});

test("an older candle from the server never takes the place of a newer", () => {
  const builder = new LiveCandleBuilder(MINUTE);
  assert.equal(builder.addCandle(server(0, 5_000, 105)), true);
  assert.equal(builder.addCandle(server(0, 4_000, 95)), false);
  assert.equal(builder.forming.close, 105);
  assert.equal(builder.addCandle(server(0, 61_000, 101, { is_complete: true })), true);
  assert.equal(builder.addCandle(server(0, 62_000, 99)), false);
});

test("a price that is already in the server's candle is not counted twice", () => {
  const builder = new LiveCandleBuilder(MINUTE);
  builder.addPrice(price(4_000, 104));
  builder.addCandle(server(0, 5_000, 105));
  builder.addPrice(price(5_000, 105)); // in the candle already
  assert.equal(builder.forming.volume, 5);
  builder.addPrice(price(6_000, 120)); // all of it came after 5,000
  assert.deepEqual([builder.forming.close, builder.forming.high, builder.forming.volume], [120, 120, 6]);
});

test("a server candle older than the prices keeps them on top: the close does not jump back", () => {
  const builder = new LiveCandleBuilder(MINUTE);
  builder.addCandle(server(0, 1_000, 100));
  for (const at of [2_000, 3_000, 4_000]) builder.addPrice(price(at, 100 + at / 1_000));
  builder.addCandle(server(0, 2_500, 102.5));
  assert.equal(builder.forming.close, 104);
});

test("in any order and any number of times, no trade is counted twice and the newest price stands", () => {
  for (let seed = 0; seed < 300; seed += 1) {
    const random = randomOf(seed);
    const prices = Array.from({ length: 40 }, (_, i) => price(1_000 + i * 900, 90 + Math.floor(random() * 20), 0.1));
    const candles = [5, 15, 25].map((i) => {
      const part = prices.slice(0, i + 1);
      return server(0, part.at(-1).timestamp - T0, part.at(-1).price, {
        open: part[0].price, high: Math.max(...part.map((p) => p.price)), low: Math.min(...part.map((p) => p.price)),
        volume: part.reduce((sum, p) => add(sum, p.volume), 0), trades: part.length,
      });
    });
    const builder = new LiveCandleBuilder(MINUTE);
    const events = [...prices.map((p) => ["addPrice", p]), ...candles.map((c) => ["addCandle", c])];
    for (const [method, event] of shuffled([...events, ...events.slice(0, 20)], random)) builder[method](event);
    builder.addPrice(prices.at(-1));
    const { forming } = builder;
    assert.equal(forming.close, prices.at(-1).price, `seed ${seed}`);
    assert.ok(forming.volume <= 4 && forming.trades <= 40, `seed ${seed}: ${forming.volume}`);
    assert.ok(forming.low <= forming.open && forming.open <= forming.high, `seed ${seed}`);
  }
});

test("when the interval is over, the candle before waits as pending and the next one forms", () => {
  const builder = new LiveCandleBuilder(MINUTE);
  builder.addCandle(server(0, 59_000, 105));
  builder.addPrice(price(60_500, 106));
  assert.deepEqual([builder.pending.length, builder.pending[0].close, builder.forming.time], [1, 105, T0 + 60_000]);
  assert.equal(builder.forming.source, "client");
});

test("a price far ahead leaves a hole, not made-up candles", () => {
  const builder = new LiveCandleBuilder(MINUTE);
  builder.addPrice(price(0, 100));
  builder.addPrice(price(600_000, 101));
  assert.deepEqual([...builder.pending, builder.forming].map((candle) => candle.time), [T0, T0 + 600_000]);
});

test("junk is refused without an exception and without a trace", () => {
  const builder = new LiveCandleBuilder(MINUTE);
  builder.addPrice(price(0, 100));
  const before = JSON.stringify(builder.forming);
  const good = price(1_000, 101);
  for (const poison of [{ price: "101" }, { price: NaN }, { timestamp: "now" }, { timestamp: 1.5 }, { high: 1 }, { low: 0 }, { volume: -1 }, { trades: 0.5 }]) {
    assert.equal(builder.addPrice({ ...good, ...poison }), false, JSON.stringify(poison));
  }
  for (const poison of [{ time: "abc" }, { time: T0 + 1 }, { close: "x" }, { updated_at: null }]) {
    assert.equal(builder.addCandle({ ...server(0, 1_000, 100), ...poison }), false, JSON.stringify(poison));
  }
  assert.equal(JSON.stringify(builder.forming), before);
});

test("a 3d candle waits for its grid before prices can move it", () => {
  const builder = new LiveCandleBuilder(INTERVALS["3d"]);
  assert.equal(builder.addPrice(price(0, 100)), false);
  builder.learn(INTERVALS["3d"].withPhase(Date.UTC(2017, 7, 17)));
  assert.equal(builder.addPrice(price(1_000, 100)), true);
});

test("no more candles are kept than the bound says", () => {
  const builder = new LiveCandleBuilder(INTERVALS["1s"]);
  for (let i = 0; i < 500; i += 1) builder.addPrice(price(i * 1_000, 100 + (i % 7)));
  assert.equal(builder.pending.length, PENDING_MAX);
});
