import assert from "node:assert/strict";
import { test } from "node:test";

import { INTERVALS, CandleError, parseInterval } from "../../static/src/candles/interval.ts";
import { parseSeries } from "../../static/src/candles/series.ts";
import { intervalOf, vectors } from "../support/js/vectors.mjs";

const { names, cases, aligned, counts } = vectors("interval");

test("the 16 intervals have the names of the shared vectors, shortest first", () => {
  assert.deepEqual(Object.keys(INTERVALS), names);
});

test("every moment of the shared vectors belongs to the candle they name", () => {
  for (const item of cases) {
    const interval = intervalOf(item);
    const open = interval.openMs(item.time);
    assert.equal(open, item.open, item.name);
    assert.equal(interval.nextOpenMs(open), item.next, item.name);
    assert.equal(interval.previousOpenMs(open), item.previous, item.name);
    assert.equal(interval.closeMs(open), item.close, item.name);
  }
});

test("alignment is judged as the shared vectors say", () => {
  for (const item of aligned) assert.equal(intervalOf(item).isAligned(item.time), item.aligned, item.name);
});

test("candles are counted as the shared vectors say", () => {
  for (const item of counts) {
    const interval = intervalOf(item);
    assert.equal(interval.count(item.start, item.end), item.count, item.name);
  }
});

test("opens walks the grid without a step too many or too few", () => {
  const month = INTERVALS["1M"];
  const start = Date.UTC(2023, 10, 1);
  const end = Date.UTC(2024, 3, 1);
  assert.equal([...month.opens(start, end)].length, month.count(start, end));
});

test("1m is a minute and 1M a month, and nothing else is either", () => {
  assert.equal(parseInterval("1m").durationMs, 60_000);
  assert.equal(parseInterval("1M").durationMs, null);
  assert.notEqual(parseSeries("BTCUSDT", "1m").name, parseSeries("BTCUSDT", "1M").name);
  for (const junk of ["1H", "1W", "60s", "", null, 1, "constructor", "__proto__"]) {
    assert.throws(() => parseInterval(junk), CandleError);
  }
});

test("a 3d grid that is not learned yet is refused, not guessed", () => {
  assert.equal(INTERVALS["3d"].hasGrid, false);
  assert.throws(() => INTERVALS["3d"].openMs(Date.UTC(2024, 0, 1)), CandleError);
  assert.throws(() => INTERVALS["3d"].withPhase(1), CandleError);
});

test("times in text, seconds' fractions, µs or before 1970 are no moments", () => {
  for (const time of ["2024-01-01T00:00:00Z", 1.5, 1722470400000000, -1, NaN, null, undefined]) {
    assert.throws(() => INTERVALS["1m"].openMs(time), CandleError, String(time));
    assert.equal(INTERVALS["1m"].isAligned(time), false, String(time));
  }
});

test("a symbol is 1 to 20 upper-case letters or digits, of any script", () => {
  for (const symbol of ["BTCUSDT", "1000SATSUSDT", "币安人生USDT"]) assert.equal(parseSeries(symbol, "1h").symbol, symbol);
  for (const symbol of ["btcusdt", "", "BTC/USDT", "BTC USDT", "A".repeat(21), "BTC\n", null, 5]) {
    assert.throws(() => parseSeries(symbol, "1h"), CandleError, String(symbol));
  }
});
