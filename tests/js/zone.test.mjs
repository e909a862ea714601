import assert from "node:assert/strict";
import { test } from "node:test";

import { UTC, Zone, isZoneName, parseZone } from "../../static/src/candles/zone.ts";

const [HOUR, MINUTE, DAY] = [3_600_000, 60_000, 86_400_000];
const BERLIN = new Zone("Europe/Berlin");
const wall = (zone, ms) => zone.wall(ms).toISOString().slice(0, 16).replace("T", " ");

test("clocks go forward and back when the zone's do, to the minute", () => {
  const spring = Date.UTC(2026, 2, 29, 1);
  assert.deepEqual([spring - 1, spring].map((ms) => wall(BERLIN, ms)), ["2026-03-29 01:59", "2026-03-29 03:00"]);
  assert.deepEqual([spring - 1, spring].map((ms) => BERLIN.label(ms)), ["UTC+1", "UTC+2"]);
  const autumn = Date.UTC(2026, 9, 25, 1);
  assert.deepEqual([autumn - MINUTE, autumn].map((ms) => wall(BERLIN, ms)), ["2026-10-25 02:59", "2026-10-25 02:00"]);
  const newYork = new Zone("America/New_York");
  assert.deepEqual([Date.UTC(2026, 2, 8, 6, 59), Date.UTC(2026, 2, 8, 7)].map((ms) => wall(newYork, ms)), ["2026-03-08 01:59", "2026-03-08 03:00"]);
  assert.equal(newYork.label(Date.UTC(2026, 0, 1)), "UTC−5");
});

test("a step of half an hour, as on Lord Howe, is one too", () => {
  const island = new Zone("Australia/Lord_Howe");
  const back = Date.UTC(2026, 3, 4, 15);
  assert.deepEqual([back - MINUTE, back].map((ms) => island.label(ms)), ["UTC+11", "UTC+10:30"]);
});

test("every quarter of an hour of a year has the offset that Intl says", () => {
  const said = new Intl.DateTimeFormat("en-US", { timeZone: "Europe/Berlin", hour: "2-digit", hourCycle: "h23" });
  for (let ms = Date.UTC(2026, 0, 1); ms < Date.UTC(2027, 0, 1); ms += HOUR / 4) {
    assert.equal(BERLIN.wall(ms).getUTCHours(), Number(said.format(ms)), new Date(ms).toISOString());
  }
});

test("zones that are not whole hours away, and the other side of the day", () => {
  const ms = Date.UTC(2026, 10, 27, 18, 45);
  assert.equal(wall(new Zone("Asia/Kolkata"), ms), "2026-11-28 00:15");
  assert.equal(new Zone("Asia/Kathmandu").label(ms), "UTC+5:45");
  assert.equal(new Zone("America/St_Johns").label(ms), "UTC−3:30");
  assert.equal(new Zone("Pacific/Kiritimati").label(ms), "UTC+14");
});

test("a day is a day of the zone, the long one and the short one too", () => {
  const start = Date.UTC(2026, 9, 24, 22);
  assert.ok(BERLIN.isSameDay(start, start + 25 * HOUR - 1));
  assert.ok(!BERLIN.isSameDay(start, start + 25 * HOUR));
  assert.ok(!BERLIN.isSameDay(start, start - 1));
  assert.ok(UTC.isSameDay(Date.UTC(2026, 9, 25), Date.UTC(2026, 9, 25) + DAY - 1));
});

test("a name that is none means UTC, and local is where the browser is", () => {
  assert.equal(parseZone("Mars/Olympus"), UTC);
  assert.equal(parseZone("UTC"), UTC);
  assert.equal(parseZone("Asia/Tokyo").name, "Asia/Tokyo");
  assert.ok(isZoneName(parseZone("local").name));
  assert.ok(!isZoneName("+02:00") && !isZoneName(""));
});
