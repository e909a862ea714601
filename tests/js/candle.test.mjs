import assert from "node:assert/strict";
import { test } from "node:test";

import { add, decimals, liveFromFields, liveOrNull, officialFromColumns, officialFromRow } from "../../static/src/candles/candle.ts";
import { CandleError } from "../../static/src/candles/interval.ts";
import { vectors } from "../support/js/vectors.mjs";

const { rows, live } = vectors("candle");

function wrongField(read) {
  try {
    read();
    return null;
  } catch (error) {
    assert.ok(error instanceof CandleError, String(error));
    return error.field;
  }
}

test("official rows are taken or refused as the shared vectors say", () => {
  for (const item of rows.filter((row) => row.both)) {
    assert.equal(wrongField(() => officialFromRow(item.row)), item.wrong, item.name);
  }
});

test("live candles are taken or refused as the shared vectors say", () => {
  for (const item of live) assert.equal(wrongField(() => liveFromFields(item.candle)), item.wrong, item.name);
});

test("a poisoned live candle is no candle, and no exception either", () => {
  const good = live.find((item) => item.wrong === null).candle;
  assert.notEqual(liveOrNull(good), null);
  const poisons = [
    { time: "abc" }, { time: "2024-08-01T00:00:00Z" }, { time: good.time / 1000 + 0.5 }, { time: good.time * 1000 },
    { time: null }, { time: NaN }, { time: new Date(good.time) }, { high: "110" }, { low: -1 }, { close: Infinity },
    { open: null }, { volume: "x" }, { trades: 1.5 }, { source: "evil" }, { updated_at: "now" },
  ];
  for (const poison of poisons) assert.equal(liveOrNull({ ...good, ...poison }), null, JSON.stringify(poison));
  for (const junk of [null, undefined, 1, "x", []]) assert.equal(liveOrNull(junk), null);
});

test("one bad row of an answer is left out and the others stay", () => {
  const answer = { time: [0, 60000, "x"], open: [1, 1, 1], high: [2, 0.5, 2], low: [1, 1, 1], close: [2, 1, 2], volume: [1, 1, 1] };
  assert.deepEqual(officialFromColumns(answer).map((candle) => candle.time), [0]);
});

test("decimals counts what a price shows, tiny prices too", () => {
  assert.deepEqual([1, 61234.5, 0.0163479, 0.00000908, 9.08e-6, 1e21].map(decimals), [0, 1, 7, 8, 8, 0]);
});

test("volumes add up without the dust of binary fractions", () => {
  assert.equal(add(0.1, 0.2), 0.3);
  assert.equal(add(148976.11427815, 0.00000001), 148976.11427816);
  let sum = 0;
  for (let i = 0; i < 10_000; i += 1) sum = add(sum, 0.00001);
  assert.equal(sum, 0.1);
});
