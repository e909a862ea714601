import assert from "node:assert/strict";
import { test } from "node:test";

import { INTERVALS } from "../../static/src/candles/interval.ts";
import { momentAt, placeOf } from "../../static/src/candles/places.ts";
import { DRAWINGS_MAX, KINDS, isSame, newId, readDrawings, writeDrawings } from "../../static/src/drawings/drawing.ts";
import { moved, movedHandle, rounded } from "../../static/src/drawings/edit.ts";
import { Edits } from "../../static/src/drawings/edits.ts";
import { handles, hit, isInside, outline, straightened, toSegment } from "../../static/src/drawings/geometry.ts";
import { levelPrices, measured } from "../../static/src/drawings/levels.ts";
import { attracted } from "../../static/src/drawings/magnet.ts";
import { merged } from "../../static/src/drawings/merge.ts";
import { drawingWords, measureWords, spanWords } from "../../static/src/ui/drawingWords.ts";
import { randomOf } from "../support/js/random.mjs";

const T0 = Date.UTC(2024, 7, 1);
const MINUTE = 60_000;
const SIZE = { width: 800, height: 400 };

const px = (x, y) => ({ x, y });
const anchor = (minutes, price) => ({ time: T0 + minutes * MINUTE, price });
const axes = (interval = "1m", count = 100, missing = []) => {
  const times = Array.from({ length: count }, (_, i) => INTERVALS[interval].step(T0, i)).filter((_, i) => !missing.includes(i));
  return { times, interval: INTERVALS[interval], precision: 2 };
};

function drawing(kind, points, more = {}) {
  return { id: kind, kind, points, style: { color: "accent", width: 2, dash: "solid" }, text: "", locked: false, hidden: false, ...more };
}

test("a drawing that is written and read again is the same, and what is usual takes no room", () => {
  const plain = drawing("trend", [anchor(0, 67010.5), anchor(5, 0.00000012)]);
  const fields = writeDrawings([plain])[0];
  assert.deepEqual(Object.keys(fields), ["id", "kind", "points"]);
  assert.equal(fields.points[1].price, "0.00000012");
  const rich = drawing("text", [anchor(1, 3)], { id: "b", style: { color: "red", width: 2, dash: "dotted" }, text: "↑", locked: true, hidden: true });
  assert.deepEqual(readDrawings(JSON.parse(JSON.stringify(writeDrawings([plain, rich])))), [plain, rich]);
  assert.ok(isSame(plain, { ...plain, points: [...plain.points] }));
  assert.ok(!isSame(plain, { ...plain, locked: true }));
});

test("what is no drawing is left out, and the rest stays", () => {
  const sound = writeDrawings([drawing("vertical", [anchor(0, 1)])])[0];
  const junk = [null, 7, {}, { ...sound, kind: "spiral" }, { ...sound, points: [] }, { ...sound, id: "a b" }, { ...sound, points: [{ time: 1.5, price: "1" }] }, { ...sound, points: [{ time: T0, price: "-1" }] }, { ...sound, locked: 1 }];
  assert.deepEqual(readDrawings([...junk, sound, sound]).map(({ id }) => id), ["vertical"]);
  assert.deepEqual(readDrawings("no list"), []);
  assert.deepEqual(readDrawings([{ ...sound, style: { color: "#f00", width: 9 } }])[0].style, { color: "accent", width: 2, dash: "solid" });
  const random = randomOf(1);
  const ids = new Set(Array.from({ length: 200 }, () => newId([], random)));
  assert.equal(ids.size, 200);
  for (const id of ids) assert.match(id, /^[a-z0-9]{10}$/);
});

test("a moment has its place between candles, across a hole, beyond both ends and on every interval", () => {
  const { times, interval } = axes("1m", 10, [4, 5]);
  assert.equal(placeOf(times, interval, T0 + 2.5 * MINUTE), 2.5);
  assert.equal(placeOf(times, interval, T0 + 4.5 * MINUTE), 3.5); // in the middle of the hole, which is one step wide
  assert.equal(placeOf(times, interval, T0 + 12 * MINUTE), 10);
  assert.equal(placeOf(times, interval, T0 - 3 * MINUTE), -3);
  for (const name of Object.keys(INTERVALS)) {
    const own = axes(name, 50);
    for (const place of [-7, -2.25, 0, 10.5, 49, 60.75]) {
      const moment = Math.round(momentAt(own.times, own.interval, place));
      assert.ok(Math.abs(placeOf(own.times, own.interval, moment) - place) < 1e-3, `${name} at ${place}`);
    }
  }
});

test("lines are hit along their length, rays beyond their second point, areas inside", () => {
  const on = (kind, points, place, hasHandles = false) => hit({ kind, points, size: SIZE, hasHandles }, place, 6);
  const line = [px(100, 100), px(200, 200)];
  assert.equal(on("trend", line, px(150, 153)).part, "body");
  assert.equal(on("trend", line, px(240, 240)), null);
  assert.equal(on("ray", line, px(390, 388)).part, "body");
  assert.equal(on("ray", line, px(60, 60)), null);
  assert.equal(on("horizontal", [px(300, 50)], px(790, 53)).part, "body");
  assert.equal(on("vertical", [px(300, 50)], px(303, 399)).part, "body");
  assert.equal(on("rectangle", line, px(150, 130)).part, "body");
  assert.equal(on("rectangle", line, px(250, 130)), null);
  assert.equal(on("channel", [...line, px(100, 200)], px(150, 200)).part, "body");
  assert.equal(on("channel", [...line, px(100, 200)], px(150, 100)), null);
  assert.equal(on("fibonacci", line, px(150, 138)).part, "body");
  assert.equal(on("text", [px(100, 100)], px(120, 110)), null);
  assert.equal(hit({ kind: "text", points: [px(100, 100)], size: SIZE, label: [px(100, 100), px(160, 120)], hasHandles: false }, px(120, 110), 6).part, "body");
  assert.equal(on("trend", line, px(202, 203), true).part, 1);
  assert.equal(on("trend", [px(100, 100), px(100, 100)], px(103, 100)).part, "body"); // both points in one place
});

test("what is drawn is what its kind says, with a handle for each point and the corners", () => {
  const count = { horizontal: 1, vertical: 1, text: 0, trend: 1, ray: 1, arrow: 1, rectangle: 4, measure: 4, channel: 2, fibonacci: 8 };
  for (const [kind, { points }] of Object.entries(KINDS)) {
    const places = [px(100, 100), px(200, 200), px(100, 220)].slice(0, points);
    assert.equal(outline(kind, places, SIZE).lines.length, count[kind], kind);
    assert.equal(handles(kind, places, SIZE).length, kind === "rectangle" ? 4 : points, kind);
    assert.deepEqual(outline(kind, [], SIZE).lines, []);
  }
  const { lines } = outline("fibonacci", [px(0, 100), px(50, 0)], SIZE);
  assert.equal(lines[4][0].y, 61.8);
  const [base, other] = outline("channel", [px(0, 0), px(100, 100), px(50, 90)], SIZE).lines;
  assert.deepEqual([base, other], [[px(0, 0), px(100, 100)], [px(0, 40), px(100, 140)]]);
  assert.ok(isInside(px(5, 5), [px(0, 0), px(10, 0), px(10, 10), px(0, 10)]));
  assert.equal(toSegment(px(0, 5), [px(3, 1), px(3, 1)]), 5);
  assert.deepEqual(straightened(px(0, 0), px(100, 8)), px(100, 0));
});

test("all of a drawing moves by whole places, across holes too; what was between candles stays between them", () => {
  const own = axes("1m", 20, [7]);
  const line = drawing("trend", [anchor(2, 100), anchor(4.5, 110)]);
  const there = moved(line, 3.4, (price) => price + 1.005, own);
  assert.deepEqual(there.points, [anchor(5, 101), anchor(8.5, 111.01)].map(({ time }, i) => ({ time, price: [101.01, 111.01][i] })).map((point, i) => ({ ...point, price: rounded([100, 110][i] + 1.005, 2) })));
  assert.deepEqual(moved(line, 0.3, (price) => price, own).points, line.points);
  const locked = { ...line, locked: true };
  assert.equal(moved(locked, 5, (price) => price * 2, own), locked);
  const flat = drawing("horizontal", [anchor(3, 100)]);
  assert.deepEqual(moved(flat, 4, (price) => price + 1, own).points, [anchor(3, 101)]);
  assert.equal(rounded(-5, 2), 0.01);
});

test("a handle moves its point, a corner of a rectangle one of each", () => {
  const box = drawing("rectangle", [anchor(0, 10), anchor(5, 20)]);
  assert.deepEqual(movedHandle(box, 1, anchor(7, 30)).points, [anchor(0, 10), anchor(7, 30)]);
  assert.deepEqual(movedHandle(box, 2, anchor(1, 30)).points, [anchor(1, 10), anchor(5, 30)]);
  assert.deepEqual(movedHandle(box, 3, anchor(6, 5)).points, [anchor(0, 5), anchor(6, 20)]);
  assert.deepEqual(movedHandle(drawing("vertical", [anchor(1, 10)]), 0, anchor(2, 99)).points, [anchor(2, 10)]);
});

test("the magnet takes the nearest price of the candle within reach, and none beyond", () => {
  const bar = { open: 100, high: 120, low: 90, close: 110 };
  const toY = (price) => 400 - price;
  assert.equal(attracted(bar, 283, toY, 10), 120);
  assert.equal(attracted(bar, 297, toY, 10), 100);
  assert.equal(attracted(bar, 265, toY, 10), null);
  assert.equal(attracted(bar, 280, () => null, 10), null);
});

test("levels run from the second price to the first, and a measure tells price, percent, bars and time", () => {
  const levels = Object.fromEntries(levelPrices(100, 200).map(({ level, price }) => [level, price]));
  assert.deepEqual([levels[0], levels[0.5], levels[1], levels[1.618]], [200, 150, 100, 200 - 161.8]);
  const { times, interval } = axes("1m", 100, [3]);
  const up = measured(anchor(1, 200), anchor(10, 250), times, interval);
  assert.deepEqual(up, { change: 50, percent: 25, bars: 8, ms: 9 * MINUTE });
  assert.equal(measureWords(up, 2), "+50.00 (+25.00 %) · 8 bars, 9 m");
  assert.equal(measureWords(measured(anchor(10, 250), anchor(9, 200), times, interval), 1), "−50.0 (−20.00 %) · -1 bar, −1 m");
  assert.equal(spanWords(2 * 86_400_000 + 3 * 3_600_000 + 5_000), "2 d 3 h");
  assert.equal(spanWords(0), "0 s");
  assert.match(drawingWords(drawing("trend", [anchor(0, 1), anchor(1, 2)], { locked: true }), 2, "1m"), /^Trend line, locked: 1 Aug 2024 00:00 UTC, 1\.00 to .*2\.00\.$/);
});

test("every change can be undone and done again, a hundred of them", () => {
  const edits = new Edits();
  const one = drawing("trend", [anchor(0, 1), anchor(1, 2)]);
  assert.ok(edits.add(one));
  edits.replace({ ...one, locked: true });
  edits.replace({ ...one, locked: true }); // nothing new: no step
  edits.clear(); // what is locked stays: no step
  edits.remove("trend");
  assert.deepEqual(edits.list, []);
  assert.ok(edits.undo() && edits.undo());
  assert.deepEqual(edits.list, [one]);
  assert.ok(edits.redo());
  assert.equal(edits.list[0].locked, true);
  edits.replace({ ...one, text: "new" });
  assert.equal(edits.canRedo, false);
  for (let i = 0; i < 150; i += 1) edits.replace({ ...one, text: String(i) });
  let steps = 0;
  while (edits.undo()) steps += 1;
  assert.equal(steps, 100);
  const full = new Edits(Array.from({ length: DRAWINGS_MAX }, (_, i) => ({ ...one, id: String(i) })));
  assert.equal(full.add(one), false);
});

test("a change made elsewhere is no step, and undoing takes nothing of it back", () => {
  const [a, b, c] = ["a", "b", "c"].map((id) => drawing("vertical", [anchor(0, 1)], { id }));
  const edits = new Edits([a]);
  edits.add(b);
  edits.take([a, b, c]);
  assert.ok(edits.undo());
  assert.deepEqual(edits.list.map(({ id }) => id), ["a", "c"]);
  edits.take([c]); // a is gone elsewhere
  assert.ok(edits.redo());
  assert.deepEqual(edits.list.map(({ id }) => id).sort(), ["b", "c"]);
});

test("two lists that were made of one become one, and nothing that was drawn is lost unseen", () => {
  const [a, b, c, d] = ["a", "b", "c", "d"].map((id) => drawing("vertical", [anchor(0, 1)], { id }));
  const ids = (list) => list.map(({ id, text }) => id + text);
  assert.deepEqual(ids(merged([a, b], [a, b, c], [a, b, d])), ["a", "b", "d", "c"]);
  assert.deepEqual(ids(merged([a, b], [a], [a, b])), ["a"]);
  assert.deepEqual(ids(merged([a, b], [a, b], [b])), ["b"]);
  assert.deepEqual(ids(merged([a], [{ ...a, text: "!" }], [{ ...a, text: "?" }])), ["a!"]);
  assert.deepEqual(ids(merged([a], [a], [{ ...a, text: "?" }])), ["a?"]);
  assert.deepEqual(ids(merged([a], [], [{ ...a, text: "?" }])), ["a?"]); // taken away here, changed there
  assert.deepEqual(ids(merged([a], [{ ...a, text: "!" }], [])), ["a!"]);
  assert.deepEqual(ids(merged([a], [], [])), []);
  const many = (name, count) => Array.from({ length: count }, (_, i) => ({ ...a, id: `${name}${i}` }));
  assert.equal(merged([], many("x", 400), many("y", 400)).length, DRAWINGS_MAX);
});
