import assert from "node:assert/strict";
import { test } from "node:test";

import { exactCandles, rowsOf } from "../../static/src/net/exactCandles.ts";
import { candleText, csvOf, fileName, plain } from "../../static/src/ui/candleFiles.ts";

const T0 = Date.UTC(2026, 10, 27, 14, 2);
const bar = (i, state, fields = {}) => ({ time: T0 + i * 60_000, open: 1.5, high: 2, low: 1, close: 1.25, volume: 10, state, ...fields });

test("official candles are told in the exchange's own text, others as they are held", () => {
  const exact = [[String(T0), "1.50", "2.00", "1.00", "1.25", "1234567890.12345678"]];
  const bars = [bar(0, "final", { volume: 1234567890.1234567 }), bar(1, "final"), bar(2, "pending"), bar(3, "forming", { close: 1e-7, low: 1e-7 })];
  assert.equal(csvOf(bars, exact), [
    "open_time,open,high,low,close,volume,state",
    `${T0},1.50,2.00,1.00,1.25,1234567890.12345678,official`,
    `${T0 + 60_000},1.5,2,1,1.25,10,official`,
    `${T0 + 120_000},1.5,2,1,1.25,10,pending`,
    `${T0 + 180_000},1.5,2,0.0000001,0.0000001,10,forming`,
    "",
  ].join("\n"));
});

test("numbers are written in full", () => {
  assert.deepEqual([0, 12.5, 1e-7, 9.08e-6, 1.25e-9, 1e21, 123456.789].map(plain), ["0", "12.5", "0.0000001", "0.00000908", "0.00000000125", "1000000000000000000000", "123456.789"]);
});

test("one candle is text that says all of it", () => {
  const text = candleText({ symbol: "BTCUSDT", interval: "1m", base: "BTC" }, bar(0, "final"), 2);
  assert.equal(text, "BTCUSDT 1m 27 Nov 2026 14:02 UTC · O 1.50 H 2.00 L 1.00 C 1.25 −16.67 % · V 10 BTC, official");
});

test("file names tell months from minutes where case does not count", () => {
  assert.deepEqual([fileName("BTCUSDT", "1M", T0, "csv"), fileName("BTCUSDT", "1m", T0, "png")], ["BTCUSDT-1mo-20261127T140200Z.csv", "BTCUSDT-1m-20261127T140200Z.png"]);
});

test("an answer is read as text, digit by digit, and asked for page by page", async () => {
  const answer = (from, count) => {
    const column = (text) => `[${Array(count).fill(text).join(",")}]`;
    const times = Array.from({ length: count }, (_, i) => from + i * 1_000).join(",");
    return `{"symbol":"A","time":[${times}],"open":${column("1.10")},"high":${column("2E+3")},"low":${column("0.00000001")},"close":${column("1")},"volume":${column("0")},"has_more":false}`;
  };
  assert.deepEqual(rowsOf(answer(7, 1)), [["7", "1.10", "2E+3", "0.00000001", "1", "0"]]);
  assert.deepEqual(rowsOf('{"time":[],"open":[]}'), []);
  const asked = [];
  const fetch = async (url) => {
    const query = new URLSearchParams(url.split("?")[1]);
    asked.push([query.get("start"), query.get("end")]);
    return { ok: true, text: async () => answer(Number(query.get("start")), asked.length === 1 ? 5_000 : 3) };
  };
  const rows = await exactCandles(fetch, { symbol: "A", interval: "1s", startMs: 0, endMs: 9_000_000 });
  assert.deepEqual([rows.length, asked], [5_003, [["0", "9000000"], ["4999001", "9000000"]]]);
  await assert.rejects(exactCandles(async () => ({ ok: false, status: 401 }), { symbol: "A", interval: "1s", startMs: 0, endMs: 1 }), /401/);
});
