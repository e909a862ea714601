import assert from "node:assert/strict";
import { test } from "node:test";

import { parseSeries } from "../../static/src/candles/series.ts";
import { UTC, Zone } from "../../static/src/candles/zone.ts";
import { audit, corrections, gaps } from "../../static/src/net/truthAnswers.ts";
import { CandleJump } from "../../static/src/state/candleJump.ts";
import { Truth } from "../../static/src/state/truth.ts";
import { gapWords, holeWords, jumpWords, lasted } from "../../static/src/ui/gapWords.ts";
import { shownZone } from "../../static/src/ui/shownZone.ts";
import { correctionSpoken, fieldWords, late, noticedWords, share, shownWords, worstWords } from "../../static/src/ui/truthWords.ts";
import { Clock, T0, settled } from "../support/js/world.mjs";

const MINUTE = 60_000;
const at = (i) => T0 + i * MINUTE;
const values = (more = {}) => ({ open: 100, high: 120, low: 80, close: 110, volume: 5, ...more });
const correction = (i, more = {}) => ({
  time: at(i), at: at(i) + 200_000, by: "daily", differing: ["high"], old: values(), new: values({ high: 121 }), ...more,
});
const audited = (i, more = {}) => ({
  time: at(i), at: at(i) + 63_000, late_ms: 3_000, exact: true, differing: [], shown: { ...values(), source: "live" }, official: values(), ...more,
});
const fields = { close: { differing: 1, largest_ticks: 3 }, high: { differing: 0, largest_ticks: 0 } };
const worst = { field: "close", ticks: 3 };
const summary = { shown: 4, exact: 3, exact_share: 0.75, never_shown: 1, median_ms: 3_100, worst_ms: 9_000, fields };

/** A server that remembers what it was asked. */
class Server {
  asked = [];
  fail = null;
  corrections = (query) => this.#answer("corrections", query, [correction(3)]);
  gaps = (query) => this.#answer("gaps", query, []);
  audit = (query) => this.#answer("audit", query, { sinceMs: at(0), tick: 0.01, summary: query.summary ? summary : null, worst: query.summary ? worst : null, candles: this.audited });
  audited = [audited(2), audited(1)];

  async #answer(path, query, body) {
    this.asked.push([path, query]);
    await settled(1);
    if (query.signal?.aborted) throw new DOMException("replaced", "AbortError");
    if (this.fail !== null) throw this.fail;
    return body;
  }

  paths() {
    return this.asked.map(([path]) => path);
  }
}

function world() {
  const [api, clock] = [new Server(), new Clock(T0)];
  const truth = new Truth({ api, clock });
  truth.open(parseSeries("BTCUSDT", "1m"));
  return { api, clock, truth };
}

const told = (rows) => ({ symbol: "BTCUSDT", interval: "1m", rows });

test("answers keep what is sound, and nothing else", () => {
  assert.equal(corrections({ corrections: [correction(1), { time: 1 }, null, correction(2, { old: null })] }).length, 1);
  assert.deepEqual(corrections({}), []);
  const gap = { start: 0, end: 60_000, candles: 1, reason: "maintenance", evidence: "both neighbours" };
  assert.deepEqual(gaps({ gaps: [gap, { ...gap, end: 0 }, { ...gap, reason: "other" }] }), [gap]);
  const found = audit({ since: at(0), tick: 0.01, summary, candles: [audited(1), audited(2, { shown: null }), audited(3, { official: {} })] });
  assert.deepEqual(found.candles.map((one) => one.time), [at(1), at(2)]);
  assert.equal(found.summary.exact, 3);
  assert.deepEqual(audit({ summary: "x" }), { sinceMs: null, tick: null, summary: null, worst: null, candles: [] });
  assert.deepEqual(found.worst, worst);
  assert.equal(audit({ summary: { ...summary, fields: {} } }).worst, null);
});

test("both versions are asked for once, when a corrected candle is rested upon", async () => {
  const { api, clock, truth } = world();
  for (const i of [1, 2, 3]) truth.details.point(at(i));
  assert.deepEqual(truth.details.detail.value, { time: at(3), correction: null, times: 0, state: "asking" });
  await clock.advance(500);
  assert.equal(api.asked.length, 1);
  assert.deepEqual([api.asked[0][1].start, api.asked[0][1].end], [at(3), at(3) + 1]);
  assert.equal(truth.details.detail.value.correction.by, "daily");
  truth.details.point(null);
  truth.details.point(at(3));
  await clock.advance(500);
  assert.equal(truth.details.detail.value.state, "known");
  assert.equal(api.asked.length, 1);
});

test("a candle that is corrected again is asked about again", async () => {
  const { api, clock, truth } = world();
  truth.details.point(at(3));
  await clock.advance(500);
  truth.dataUpdated(told([{ time: at(3) }]));
  await clock.advance(500);
  assert.equal(api.asked.length, 2);
  api.fail = new Error("away");
  truth.details.point(at(4));
  await clock.advance(500);
  assert.equal(truth.details.detail.value.state, "failed");
});

test("how candles were shown is asked for what is in sight, once, and only while it is switched on", async () => {
  const { api, clock, truth } = world();
  truth.shown.look(at(0), at(9));
  await clock.advance(60_000);
  assert.deepEqual(api.asked, []);
  truth.shown.toggle(true);
  await clock.advance(100);
  assert.equal(api.asked.length, 1);
  const { start, end, summary: wanted } = api.asked[0][1];
  assert.deepEqual([start, end, wanted], [at(0), at(9) + 1, false]);
  assert.deepEqual(truth.shown.state.value.candles.map((one) => one.time), [at(1), at(2)]);
  truth.shown.look(at(2), at(8));
  await clock.advance(60_000);
  assert.equal(api.asked.length, 1);
  truth.shown.look(at(-20), at(3));
  await clock.advance(60_000);
  assert.equal(api.asked.length, 2);
  truth.shown.toggle(false);
  assert.deepEqual(truth.shown.state.value.candles, []);
});

test("candles that become official are asked about with a pause between two requests", async () => {
  const { api, clock, truth } = world();
  truth.shown.toggle(true);
  truth.shown.look(at(0), at(9));
  await clock.advance(100);
  for (let i = 0; i < 60; i += 1) {
    truth.shown.look(at(0), at(9) + i * 1_000);
    truth.dataUpdated(told([{ time: at(9) + i * 1_000 }]));
    await clock.advance(1_000);
  }
  assert.ok(api.asked.length >= 10 && api.asked.length <= 17, `${api.asked.length} requests in a minute`);
  assert.ok(api.asked.slice(1).every(([, { start }]) => start >= at(9)), "what is known is asked for again");
});

test("the report is asked for when it is opened, and with a pause while candles keep coming", async () => {
  const { api, clock, truth } = world();
  truth.dataUpdated(told([]));
  await clock.advance(60_000);
  assert.deepEqual(api.asked, []);
  truth.report.show(true);
  await clock.advance(10);
  assert.deepEqual(api.paths().sort(), ["audit", "corrections", "gaps"]);
  assert.deepEqual(truth.report.state.value.report.worst, worst);
  for (let i = 0; i < 60; i += 1) {
    truth.dataUpdated(told([]));
    await clock.advance(1_000);
  }
  assert.ok(api.asked.length <= 3 * 7, `${api.asked.length} requests in a minute`);
  truth.report.show(false);
  const before = api.asked.length;
  truth.gapProven({ symbol: "BTCUSDT", interval: "1m" });
  await clock.advance(60_000);
  assert.equal(api.asked.length, before);
});

test("a report that could not be read keeps what was known, and is tried again", async () => {
  const { api, clock, truth } = world();
  truth.report.show(true);
  await clock.advance(10);
  api.fail = new Error("The server can't be reached.");
  truth.dataUpdated(told([]));
  await clock.advance(20_000);
  assert.equal(truth.report.state.value.problem, "The server can't be reached.");
  assert.ok(truth.report.state.value.report !== null);
  api.fail = null;
  truth.report.retry();
  await clock.advance(10);
  assert.equal(truth.report.state.value.problem, "");
});

test("another series forgets all of the one before", async () => {
  const { api, clock, truth } = world();
  truth.report.show(true);
  truth.shown.toggle(true);
  truth.shown.look(at(0), at(9));
  await clock.advance(10);
  truth.open(parseSeries("ETHUSDT", "1m"));
  assert.equal(truth.report.state.value.report, null);
  assert.deepEqual(truth.shown.state.value, { isOn: true, candles: [], sinceMs: null, problem: "" });
  await clock.advance(10);
  assert.equal(api.asked.at(-1)[1].symbol, "ETHUSDT");
});

function jumper(ways) {
  const outcomes = [];
  const gone = [];
  const bars = [0, 1, 2, 5, 6].map((i) => ({ time: at(i) }));
  const goTo = (ms) => gone.push(ms) > 0;
  const jump = new CandleJump({ reach: async () => "held", goTo, bars: () => bars, gapAt: () => null, ...ways }, (outcome) => outcomes.push(outcome));
  jump.open(parseSeries("BTCUSDT", "1m"));
  const ready = { load: { kind: "ready" } };
  return { jump, outcomes, gone, to: async (ms) => { jump.want(ms); jump.look(ready); await settled(); return outcomes.at(-1); } };
}

test("a jump waits until candles are there, and means the candle that a moment lies in", async () => {
  const { jump, outcomes, gone } = jumper({});
  jump.want(at(2) + 31_000);
  jump.look({ load: { kind: "loading" } });
  await settled();
  assert.deepEqual(outcomes, []);
  jump.look({ load: { kind: "ready" } });
  await settled();
  assert.deepEqual(outcomes, [{ kind: "there", timeMs: at(2), gap: null, firstMs: at(0) }]);
  assert.deepEqual(gone, [at(2)]);
});

test("a jump that finds none says why", async () => {
  const gap = { startMs: at(3), endMs: at(5), reason: "maintenance" };
  assert.deepEqual(await jumper({ gapAt: () => gap }).to(at(3)), { kind: "gap", timeMs: at(3), gap, firstMs: at(0) });
  assert.equal((await jumper({}).to(at(4))).kind, "gap");
  assert.equal((await jumper({}).to(at(7))).kind, "newer");
  assert.equal((await jumper({ reach: async () => "end" }).to(at(-5))).kind, "older");
  assert.equal((await jumper({ reach: async () => "stopped" }).to(at(-5))).kind, "far");
});

test("a later wish, or another series, ends the one before", async () => {
  let release;
  const { jump, outcomes } = jumper({ reach: () => new Promise((resolve) => { release = () => resolve("held"); }) });
  jump.want(at(1));
  jump.look({ load: { kind: "ready" } });
  jump.open(parseSeries("ETHUSDT", "1m"));
  release();
  await settled();
  assert.deepEqual(outcomes, []);
});

test("words: how long, how much, why", () => {
  const cases = [[0, "0 s"], [5_000, "5 s"], [34 * MINUTE, "34 min"], [2 * 60 * MINUTE, "2 h"], [150 * MINUTE, "2 h 30 min"], [76 * 60 * MINUTE, "3 d 4 h"], [86_400_000 + 5_000, "1 d"]];
  for (const [ms, words] of cases) assert.equal(lasted(ms), words);
  const gap = { startMs: at(0), endMs: at(34), reason: "maintenance" };
  assert.equal(gapWords(gap), "exchange maintenance, 34 min");
  assert.equal(gapWords({ ...gap, reason: null }), "none at the exchange, 34 min");
  assert.equal(holeWords({ time: at(1), gap }, "1m", at(60)), "no candle: exchange maintenance, 34 min (00:00 to 00:34 UTC)");
  assert.equal(holeWords({ time: at(1), gap: null }, "1m", at(60)), "no candle here; why is not known");
  assert.equal(holeWords({ time: at(61), gap: null }, "1m", at(60)), "this candle has not begun yet");
  assert.deepEqual([share(1), share(0.9999), share(0.75), share(null)], ["100 %", "99.9 %", "75.0 %", "–"]);
  assert.deepEqual([late(850), late(3_100), late(120_000), late(null)], ["850 ms", "3.1 s", "2 min", "–"]);
  assert.equal(worstWords({ field: "close", ticks: 0.4 }, summary), "0.4 ticks (close)");
  assert.equal(worstWords({ field: "high", ticks: 1 }, summary), "1 tick (high)");
  assert.equal(worstWords(null, summary), "none");
  assert.equal(fieldWords(["high", "close", "volume", "trades"]), "high, close and 2 more");
  assert.equal(fieldWords(["high", "close"]), "high and close");
});

test("words: corrections, what was shown, jumps", () => {
  assert.equal(noticedWords(correction(3)), "noticed 1 Aug 00:06:20 UTC by the daily check");
  assert.equal(noticedWords(correction(3, { by: "somebody" })), "noticed 1 Aug 00:06:20 UTC by somebody");
  assert.equal(correctionSpoken(correction(3)), "Corrected by the exchange, noticed 1 Aug 00:06:20 UTC by the daily check: high was 120, is 121.");
  const state = { isOn: true, candles: [], sinceMs: at(5), problem: "" };
  assert.match(shownWords(undefined, state, at(1), "1m"), /kept since 1 Aug 2024 00:05 UTC/);
  assert.equal(shownWords(undefined, { ...state, sinceMs: null }, at(1), "1m"), "How it was shown live is not known.");
  const shown = { time: at(6), shown: values(), official: values(), differs: "nothing", differing: [], source: "live", lateMs: 3_000 };
  assert.equal(shownWords(shown, state, at(6), "1m"), "Shown live exactly as it became official.");
  assert.equal(shownWords({ ...shown, differs: "prices", differing: ["high"], source: "client" }, state, at(6), "1m"), "Shown live with another high, by a browser in the feed's place.");
  assert.equal(shownWords({ ...shown, shown: null }, state, at(6), "1m"), "It closed while nothing was shown of it.");
  const gap = { startMs: at(0), endMs: at(34), reason: "maintenance" };
  const outcome = (kind, more = {}) => jumpWords({ kind, timeMs: at(3), gap: null, firstMs: at(9), ...more }, "1m", at(60));
  assert.equal(outcome("there"), "");
  assert.equal(outcome("gap", { gap }), "There is no candle of 1 Aug 2024 00:03 UTC: exchange maintenance, 34 min (00:00 to 00:34 UTC).");
  assert.equal(outcome("older"), "The candle of 1 Aug 2024 00:03 UTC is not stored: the stored ones begin at 1 Aug 2024 00:09 UTC.");
  assert.equal(outcome("newer"), "The candle of 1 Aug 2024 00:03 UTC has not begun yet.");
});

test("words tell times in the zone that is shown, and name that zone", () => {
  const gap = { startMs: at(0), endMs: at(34), reason: "maintenance" };
  try {
    shownZone.value = new Zone("Asia/Tokyo");
    assert.match(holeWords({ time: at(1), gap }, "1m", at(60)), /\(09:00 to 09:34 UTC\+9\)$/);
    assert.equal(noticedWords(correction(3)), "noticed 1 Aug 09:06:20 UTC+9 by the daily check");
  } finally {
    shownZone.value = UTC;
  }
});
