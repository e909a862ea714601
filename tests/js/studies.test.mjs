import assert from "node:assert/strict";
import { test } from "node:test";

import { CandleList } from "../../static/src/studies/candleList.ts";
import { formulaOf } from "../../static/src/studies/indicators.ts";
import { OUTPUTS } from "../../static/src/studies/outputs.ts";
import { COLORS, KINDS, STUDIES_MAX, checkedStudies, isTooLong, newStudy, usualInputs } from "../../static/src/studies/study.ts";
import { StudySeries } from "../../static/src/studies/studySeries.ts";
import { StudySet } from "../../static/src/studies/studySet.ts";
import { volumeProfile } from "../../static/src/studies/volumeProfile.ts";
import { randomOf } from "../support/js/random.mjs";

const MINUTE = 60_000;
const T0 = Date.UTC(2024, 7, 1, 22);
const LINED = Object.keys(KINDS).filter((kind) => kind !== "volume-profile");

/** One of each kind, with periods short enough to be over within a test. */
const SHORT = LINED.map((kind, i) => ({
  ...newStudy(kind, []), id: `s${i}`, inputs: Object.fromEntries(Object.entries(usualInputs(kind)).map(([name, usual]) => [name, typeof usual === "number" ? Math.max(2, Math.ceil(usual / 4)) : usual])),
}));
const USUAL = LINED.map((kind, i) => ({ ...newStudy(kind, []), id: `s${i}` }));

/** A walk of prices; some candles without a trade. */
function walk(count, seed, { step = MINUTE, from = T0 } = {}) {
  const random = randomOf(seed);
  let close = 100;
  return Array.from({ length: count }, (_, i) => {
    const open = close;
    const isQuiet = random() < 0.05;
    if (!isQuiet) close = Math.max(1, Math.round((open + (random() - 0.5) * 3) * 100) / 100);
    const [high, low] = isQuiet ? [open, open] : [Math.max(open, close) + Math.round(random() * 80) / 100, Math.min(open, close) - Math.round(random() * 80) / 100];
    return { time: from + i * step, open, high, low, close, volume: isQuiet ? 0 : Math.round(random() * 1e5) / 1e3 };
  });
}

/** A set whose work is done in pieces of so many looks at the clock; `run` does all that waits. */
function world(studies, { looks = Infinity } = {}) {
  const waiting = [];
  let [now, changes] = [0, 0];
  const set = new StudySet({ now: () => (now += 8 / looks), soon: (work) => waiting.push(work), onChange: () => { changes += 1; } });
  set.choose(studies);
  const run = (most = Infinity) => {
    for (let done = 0; waiting.length > 0 && done < most; done += 1) waiting.shift()();
    return waiting.length;
  };
  return { set, run, changes: () => changes };
}

/** All values, worked out at once. */
function whole(studies, candles) {
  const { set, run } = world(studies);
  set.set(candles, []);
  run();
  return valuesOf(set, studies);
}

function valuesOf(set, studies) {
  assert.ok(set.isDone);
  return studies.map(({ id }) => set.columns(id).map((column) => [...column.subarray(0, set.candles.length)]));
}

function assertSame(found, expected, words) {
  found.forEach((columns, study) => columns.forEach((column, output) => {
    assert.equal(column.length, expected[study][output].length, words);
    column.forEach((value, i) => {
      const right = expected[study][output][i];
      const isSame = Number.isNaN(right) ? Number.isNaN(value) : Math.abs(value - right) <= 1e-9 * Math.max(1, Math.abs(right));
      assert.ok(isSame, `${words}: ${LINED[study]} output ${output} at ${i} of ${column.length} is ${value}, not ${right}`);
    });
  }));
}

const live = (candle, state = "forming") => ({ candle, state });

test("each kind has as many values as lines, and none before its first", () => {
  const candles = walk(300, 1);
  whole(USUAL, candles).forEach((columns, i) => {
    assert.equal(columns.length, OUTPUTS[LINED[i]].lines.length, LINED[i]);
    for (const column of columns) {
      const first = column.findIndex((value) => !Number.isNaN(value));
      assert.ok(first >= 0, `${LINED[i]} has values`);
      if (!["supertrend", "vwap"].includes(LINED[i])) assert.ok(column.slice(first).every(Number.isFinite), LINED[i]);
    }
  });
});

test("candle by candle, each moved on by ticks before it closes, is the same as all at once", () => {
  const candles = walk(260, 2);
  const { set, run } = world(SHORT);
  const random = randomOf(3);
  candles.forEach((candle, i) => {
    const [before, rows] = [candle.open, candles.slice(0, i)];
    for (let tick = 0; tick < 3; tick += 1) {
      const close = Math.round((before + (random() - 0.5) * 4) * 100) / 100;
      set.setLive(rows, [live({ ...candle, high: Math.max(candle.high, close), low: Math.min(candle.low, close), close, volume: random() })]);
    }
    set.setLive(rows, [live(candle)]);
    set.set([...rows, candle], []);
  });
  run();
  assertSame(valuesOf(set, SHORT), whole(SHORT, candles), "by ticks");
});

test("a tick costs one replace and a close one more candle, however long the list is", () => {
  const counted = [];
  const formula = formulaOf({ kind: "ema", inputs: { period: 20, source: "close" } });
  const create = () => {
    const calculator = formula.create();
    return { update: (candle, isReplace, out) => { counted.push(isReplace); calculator.update(candle, isReplace, out); } };
  };
  const [list, series, candles] = [new CandleList(), new StudySeries({ ...formula, create }), walk(5_000, 4)];
  const rows = candles.slice(0, -2);
  const take = (change) => {
    counted.length = 0;
    if (change !== null) series.take(list.all, change);
    series.work(list.all, () => false);
    return [...counted];
  };
  assert.equal(take(list.set(rows, [])).length, rows.length);
  assert.deepEqual(take(list.setLive(rows, [live(candles.at(-2))])), [false]);
  assert.deepEqual(take(list.setLive(rows, [live({ ...candles.at(-2), close: candles.at(-2).low })])), [true]);
  assert.deepEqual(take(list.setLive(rows, [live({ ...candles.at(-2), close: candles.at(-2).low })])), []);
  assert.deepEqual(take(list.setLive(rows, [live(candles.at(-2), "pending"), live(candles.at(-1))])), [true, false]);
  assert.deepEqual(take(list.set([...rows, candles.at(-2)], [live(candles.at(-1))])), [], "the official candle says the same");
});

test("official, pending and forming join without a seam, whatever the official version says", () => {
  const candles = walk(400, 5);
  const { set, run } = world(SHORT);
  const [rows, pending, forming] = [candles.slice(0, 390), candles.slice(390, 399), candles[399]];
  const otherwise = pending.map((candle, i) => (i % 2 === 0 ? candle : { ...candle, close: candle.low, volume: candle.volume + 1 }));
  set.set(rows, [...otherwise.map((candle) => live(candle, "pending")), live(forming)]);
  run();
  assertSame(valuesOf(set, SHORT), whole(SHORT, [...rows, ...otherwise, forming]), "at the join");
  for (let i = 0; i < pending.length; i += 1) {
    set.set([...rows, ...pending.slice(0, i + 1)], [...otherwise.slice(i + 1).map((candle) => live(candle, "pending")), live(forming)]);
    run();
  }
  assertSame(valuesOf(set, SHORT), whole(SHORT, candles), "when all are official");
});

test("a correction, a filled gap and older candles give what all at once would", () => {
  for (const looks of [Infinity, 40]) {
    const all = walk(900, 6);
    const { set, run } = world(SHORT, { looks });
    const gap = [...all.slice(300, 600), ...all.slice(640)];
    set.set(gap, []);
    run();
    assertSame(valuesOf(set, SHORT), whole(SHORT, gap), "across a gap");
    const corrected = gap.with(120, { ...gap[120], close: gap[120].high, volume: 7 });
    set.set(corrected, []);
    run();
    assertSame(valuesOf(set, SHORT), whole(SHORT, corrected), "after a correction");
    set.set(all.slice(300), []);
    run();
    assertSame(valuesOf(set, SHORT), whole(SHORT, all.slice(300)), "after a gap repair");
    set.set(all, []);
    run();
    assertSame(valuesOf(set, SHORT), whole(SHORT, all), "after a page of older candles");
  }
});

test("changes that come while work is under way are not lost", () => {
  for (let seed = 0; seed < 12; seed += 1) {
    const random = randomOf(seed);
    const all = walk(700, seed);
    const { set, run } = world(SHORT, { looks: 3 });
    let [from, to, rows] = [300, 500, all.slice(300, 500)];
    let forming = [];
    for (let step = 0; step < 40; step += 1) {
      const kind = Math.floor(random() * 6);
      if (kind === 0) from = Math.max(0, from - Math.floor(random() * 40));
      if (kind === 1) to = Math.min(all.length - 1, to + Math.floor(random() * 4));
      if (kind === 2) all[from + Math.floor(random() * (to - from))] = { ...all[from], time: all[from].time, volume: random() * 9 };
      all.forEach((candle, i) => { if (candle.time !== T0 + i * MINUTE) all[i] = { ...candle, time: T0 + i * MINUTE }; });
      const hole = kind === 3 ? from + Math.floor(random() * (to - from)) : -1;
      if (kind !== 5) rows = all.slice(from, to).filter((_, i) => i + from !== hole);
      forming = random() < 0.2 ? [] : [live({ ...all[to], close: all[to].low })];
      if (kind === 5 && step > 0) set.setLive(rows, forming);
      else set.set(rows, forming);
      run(Math.floor(random() * 3));
    }
    set.set(rows, forming);
    run();
    assertSame(valuesOf(set, SHORT), whole(SHORT, [...rows, ...forming.map(({ candle }) => candle)]), `seed ${seed}`);
  }
});

test("no stretch of work goes on after its time is over, and what it has is shown on the way", () => {
  const { set, run, changes } = world(USUAL, { looks: 20 });
  set.set(walk(20_000, 7), []);
  let stretches = 1;
  while (run(1) > 0) stretches += 1;
  assert.ok(stretches > 100, `${stretches}`);
  assert.ok(changes() > stretches);
  assertSame(valuesOf(set, USUAL), whole(USUAL, walk(20_000, 7)), "in pieces");
});

test("a gap has no values and adds no candles: values go on after it from the candles before it", () => {
  const [before, after] = [walk(40, 8), walk(40, 9, { from: T0 + 500 * MINUTE })];
  const study = { ...newStudy("sma", []), inputs: { period: 10, source: "close" } };
  const { set, run } = world([study]);
  set.set([...before, ...after], []);
  run();
  assert.deepEqual(set.valuesAt(study, before.at(-1).time + MINUTE), [null]);
  const [value] = set.valuesAt(study, after[0].time);
  const right = [...before.slice(-9), after[0]].reduce((sum, { close }) => sum + close, 0) / 10;
  assert.ok(Math.abs(value - right) < 1e-9);
});

test("the session's average begins anew with the UTC day, week and month", () => {
  const candles = walk(24 * 45, 10, { step: 60 * MINUTE, from: Date.UTC(2024, 6, 20, 5) });
  const firsts = (anchor) => {
    const study = { ...newStudy("vwap", []), inputs: { anchor, source: "close" } };
    const [[column]] = [whole([study], candles)[0]];
    return candles.filter(({ close, volume }, i) => volume > 0 && Math.abs(column[i] - close) < 1e-9).map(({ time }) => new Date(time));
  };
  const days = firsts("day");
  assert.ok(days.length >= 45 && days.slice(1).every((date) => date.getUTCHours() < 3));
  assert.ok(firsts("week").slice(1).every((date) => date.getUTCDay() === 1));
  assert.ok(firsts("month").slice(1).every((date) => date.getUTCDate() === 1));
});

test("an average by session has nothing to say of candles as long as its session", () => {
  const vwap = (anchor) => ({ kind: "vwap", inputs: { ...usualInputs("vwap"), anchor } });
  const silent = (anchor) => ["1h", "12h", "1d", "3d", "1w", "1M"].filter((interval) => isTooLong(interval, vwap(anchor)));
  assert.deepEqual(["day", "week", "month"].map(silent), [["1d", "3d", "1w", "1M"], ["1w", "1M"], ["1M"]]);
  assert.equal(isTooLong("1M", newStudy("sma", [])), false);
});

test("shifted lines stand where they are drawn, also in what the legend says", () => {
  const study = { ...newStudy("ichimoku", []), inputs: { conversion: 2, base: 3, span: 4, displacement: 5 } };
  const candles = walk(30, 11);
  const { set, run } = world([study]);
  set.set(candles, []);
  run();
  const [, , spanA] = set.columns(study.id);
  const said = set.valuesAt(study, candles[20].time);
  assert.equal(said[2], spanA[16]);
  assert.equal(said[4], candles[24].close);
  assert.equal(set.valuesAt(study, candles[28].time)[4], null);
});

test("a profile's rows hold all that was traded, each candle's over its range", () => {
  const candles = [{ time: T0, open: 10, high: 14, low: 10, close: 14, volume: 8 }, { time: T0 + MINUTE, open: 12, high: 12, low: 12, close: 12, volume: 5 }, { time: T0 + 2 * MINUTE, open: 14, high: 14, low: 13, close: 13, volume: 3 }];
  const { rows, most } = volumeProfile(candles, 0, 3, 4);
  assert.deepEqual(rows.map(({ low, up, down }) => [low, up, down]), [[10, 2, 0], [11, 2, 0], [12, 7, 0], [13, 2, 3]]);
  assert.equal(most, 2);
  assert.deepEqual(volumeProfile(candles, 0, 0, 4), { rows: [], most: -1 });
  const many = walk(500, 12);
  const total = volumeProfile(many, 0, many.length, 24).rows.reduce((sum, { up, down }) => sum + up + down, 0);
  assert.ok(Math.abs(total - many.reduce((sum, { volume }) => sum + volume, 0)) < 1e-6);
});

test("a list of studies is checked piece by piece", () => {
  const good = { id: "a1", kind: "ema", inputs: { period: 50, source: "hl2" }, style: { color: "series-3", width: 1 } };
  assert.deepEqual(checkedStudies([good]), [good]);
  const [mended] = checkedStudies([{ id: "a1", kind: "bollinger", inputs: { period: 0, deviations: 2.555, source: "moon", more: 1 }, style: { color: "#fff", width: 9 }, hidden: "yes" }]);
  assert.deepEqual(mended, { id: "a1", kind: "bollinger", inputs: usualInputs("bollinger"), style: { color: "series-1", width: 2 } });
  for (const junk of [null, 7, {}, [null], [{}], [{ id: "A!", kind: "ema" }], [{ id: "a", kind: "__proto__" }], [{ id: "a", kind: "constructor" }]]) assert.deepEqual(checkedStudies(junk), [], JSON.stringify(junk));
  assert.equal(checkedStudies([good, good]).length, 1);
  let list = [];
  for (let i = 0; i < 30; i += 1) list = [...list, newStudy("sma", list)];
  assert.equal(checkedStudies(list).length, STUDIES_MAX);
  assert.equal(new Set(list.slice(0, 8).map(({ style }) => style.color)).size, COLORS.length);
});
