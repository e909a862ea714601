import assert from "node:assert/strict";
import { test } from "node:test";

import { heikinAshi, isSameShape } from "../../static/src/chart/heikinAshi.ts";

const candle = (open, high, low, close) => ({ open, high, low, close });

test("the first bar is the candle's own middle, each later one begins in the middle of the one before", () => {
  const first = heikinAshi(candle(10, 14, 8, 12), null);
  assert.deepEqual(first, { open: 11, high: 14, low: 8, close: 11 });
  const second = heikinAshi(candle(12, 16, 12, 15), first);
  assert.deepEqual(second, { open: 11, high: 16, low: 11, close: 13.75 });
  assert.deepEqual(heikinAshi(candle(15, 15, 15, 15), second), { open: 12.375, high: 15, low: 12.375, close: 15 });
});

test("open and close lie within high and low, whatever comes", () => {
  let before = null;
  for (let i = 1; i < 500; i += 1) {
    const [open, close] = [100 + (i * 37) % 11, 100 + (i * 53) % 13];
    before = heikinAshi(candle(open, Math.max(open, close) + (i % 3), Math.min(open, close) - (i % 2), close), before);
    assert.ok(before.low <= Math.min(before.open, before.close) && before.high >= Math.max(before.open, before.close));
  }
});

test("two shapes are the same if all four values are", () => {
  assert.ok(isSameShape(candle(1, 2, 0.5, 1), candle(1, 2, 0.5, 1)));
  assert.ok(isSameShape(undefined, undefined));
  assert.ok(!isSameShape(candle(1, 2, 0.5, 1), candle(1, 2, 0.5, 1.1)) && !isSameShape(undefined, candle(1, 1, 1, 1)));
});
