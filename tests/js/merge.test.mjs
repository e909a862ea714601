import assert from "node:assert/strict";
import { test } from "node:test";

import { liveFromFields } from "../../static/src/candles/candle.ts";
import { History } from "../../static/src/candles/history.ts";
import { HOLE_POINTS_MAX, firstHole, spaced } from "../../static/src/candles/whitespace.ts";
import { INTERVALS } from "../../static/src/candles/interval.ts";
import { merge, tail } from "../../static/src/candles/merge.ts";
import { randomOf } from "../support/js/random.mjs";
import { intervalOf, vectors } from "../support/js/vectors.mjs";

const { cases } = vectors("merge");

test("official, pending and forming merge as the shared vectors say", () => {
  for (const item of cases) {
    const forming = item.forming && liveFromFields(item.forming);
    const missing = (item.missing ?? []).map(([startMs, endMs]) => ({ startMs, endMs }));
    const merged = merge(intervalOf(item), item.official, item.pending.map(liveFromFields), forming, item.now, missing);
    const shown = merged.map(({ candle, state }) => ({ time: candle.time, state, close: candle.close }));
    assert.deepEqual(shown, item.merged, item.name);
  }
});

test("whatever comes in, one candle per open time goes out, ascending, official untouched", () => {
  const minute = INTERVALS["1m"];
  for (let seed = 0; seed < 300; seed += 1) {
    const random = randomOf(seed);
    const at = () => Math.floor(random() * 30) * 60_000 + (random() < 0.1 ? 7 : 0);
    const official = [...new Set(Array.from({ length: 12 }, () => Math.floor(random() * 25) * 60_000))].sort((a, b) => a - b);
    const rows = official.map((time) => ({ time, open: 1, high: 1, low: 1, close: 1, volume: 0 }));
    const live = () => ({ time: at(), open: 2, high: 2, low: 2, close: 2, volume: 0, updated_at: Math.floor(random() * 9), is_complete: random() < 0.3 });
    const now = 30 * 60_000 * random();
    const merged = merge(minute, rows, Array.from({ length: 8 }, live), live(), now);
    const times = merged.map(({ candle }) => candle.time);
    assert.deepEqual(times, [...new Set(times)].sort((a, b) => a - b));
    assert.deepEqual(merged.filter((item) => item.state === "final").map((item) => item.candle), rows);
    assert.ok(merged.filter((item) => item.state === "forming").length <= 1);
  }
});

test("the few open times that the page hands over decide like all of them", () => {
  const minute = INTERVALS["1m"];
  for (let seed = 0; seed < 300; seed += 1) {
    const random = randomOf(seed);
    const times = Array.from({ length: 40 }, (_, i) => i * 60_000).filter(() => random() < 0.8);
    const history = new History();
    history.replace(times.map((time) => ({ time, open: 1, high: 1, low: 1, close: 1, volume: 0 })), 1, false);
    const live = Array.from({ length: 5 }, () => ({ time: Math.floor(random() * 45) * 60_000, updated_at: 1, is_complete: false }));
    live.sort((a, b) => a.time - b.time);
    const [pending, forming] = [live.slice(0, -1), live.at(-1)];
    const few = history.opensFrom(live[0].time);
    assert.deepEqual(tail(minute, few, pending, forming, 0), tail(minute, times, pending, forming, 0));
  }
});

test("a hole is drawn as whitespace and never as a candle", () => {
  const minute = INTERVALS["1m"];
  const candles = [0, 60_000, 240_000].map((time) => ({ time, close: 1 }));
  assert.deepEqual(spaced(minute, candles), [candles[0], candles[1], { time: 120_000 }, { time: 180_000 }, candles[2]]);
  assert.deepEqual(spaced(minute, [{ time: 120_000, close: 1 }], 0), [{ time: 60_000 }, { time: 120_000, close: 1 }]);
  assert.deepEqual(spaced(INTERVALS["3d"], candles), candles);
});

test("whitespace is bounded, however long the hole", () => {
  const points = spaced(INTERVALS["1s"], [{ time: 0, close: 1 }, { time: 86_400_000, close: 1 }]);
  assert.equal(points.length, 2 + HOLE_POINTS_MAX);
  assert.deepEqual(points.map((point) => point.time), [...new Set(points.map((point) => point.time))].sort((a, b) => a - b));
});

test("the first hole after the official candles is found", () => {
  const minute = INTERVALS["1m"];
  assert.equal(firstHole(minute, 0, [60_000, 120_000]), null);
  assert.equal(firstHole(minute, 0, [120_000]), 60_000);
  assert.equal(firstHole(minute, 0, [60_000, 240_000]), 120_000);
  assert.equal(firstHole(minute, 300_000, [60_000, 360_000]), null);
  assert.equal(firstHole(INTERVALS["3d"], 0, [120_000]), null);
});
