import assert from "node:assert/strict";
import { test } from "node:test";

import { Preferences, USUAL, checkedSettings } from "../../static/src/state/preferences.ts";

/** A keeping whose every call is noted, and a clock that runs when told to. */
function world({ kept = null, answers = null, unsaved = null } = {}) {
  const timers = new Map();
  let next = 1;
  const noted = { written: [], told: [], saved: [] };
  const keeping = {
    read: () => kept,
    unsaved: () => unsaved,
    write: (text) => noted.written.push(JSON.parse(text)),
    tell: (settings) => noted.told.push(settings),
    save: answers === null ? null : async (settings) => {
      noted.saved.push(settings);
      if (answers.shift() === false) throw new Error("no");
    },
  };
  const clock = {
    setTimeout: (callback, ms) => { timers.set(next, { callback, ms }); return next++; },
    clearTimeout: (timer) => timers.delete(timer),
  };
  const run = async () => {
    const [[timer, { callback, ms }] = [0, {}]] = timers;
    timers.delete(timer);
    callback?.();
    for (let i = 0; i < 5; i += 1) await null;
    return ms;
  };
  return { keeping, clock, noted, run, timers };
}

test("what was kept is taken, each value if it is one of those allowed", () => {
  const kept = JSON.stringify({ theme: "pink", zone: "Europe/Berlin", scale: "log", auto: 0, favourites: ["BTCUSDT", 7, "BTCUSDT", "<b>"], last: { symbol: "ETHUSDT", interval: "1h" } });
  const { keeping, clock } = world({ kept });
  assert.deepEqual(new Preferences(null, keeping, clock).all, {
    ...USUAL, zone: "Europe/Berlin", scale: "log", favourites: ["BTCUSDT"], last: { symbol: "ETHUSDT", interval: "1h" },
  });
  for (const junk of ["", "{", "[]", "null", "7", '{"zone": "Mars/Olympus"}', '{"last": {"symbol": 1}}']) {
    assert.deepEqual(new Preferences(undefined, world({ kept: junk }).keeping, clock).all, USUAL, junk);
  }
  assert.equal(checkedSettings({ favourites: Array.from({ length: 300 }, (_, i) => `M${i}USDT`) }).favourites.length, 200);
});

test("the server's choices go before the browser's", () => {
  const { keeping, clock } = world({ kept: '{"theme": "light", "colors": "red-green"}' });
  const all = new Preferences({ theme: "dark" }, keeping, clock).all;
  assert.deepEqual([all.theme, all.colors], ["dark", "green-red"]);
});

test("a choice is a signal, kept at once, told to other tabs, and saved whole a second later, once", async () => {
  const { keeping, clock, noted, run, timers } = world({ answers: [true] });
  const preferences = new Preferences({}, keeping, clock);
  const seen = [];
  preferences.of("zone").subscribe((zone) => seen.push(zone));
  preferences.set("zone", "Asia/Tokyo");
  preferences.set("type", "line");
  preferences.set("type", "line");
  assert.deepEqual([seen, noted.written.length, noted.told.length, timers.size], [["UTC", "Asia/Tokyo"], 2, 2, 1]);
  assert.equal(await run(), 1_000);
  assert.deepEqual(noted.saved, [{ ...USUAL, zone: "Asia/Tokyo", type: "line" }]);
  assert.equal(timers.size, 0);
});

test("a save that fails is tried again with longer pauses, then no more; a newer choice begins anew", async () => {
  const { keeping, clock, noted, run, timers } = world({ answers: [false, false, false, false, true] });
  const preferences = new Preferences({}, keeping, clock);
  preferences.set("inverted", true);
  const waits = [];
  while (timers.size > 0) waits.push(await run());
  assert.deepEqual([waits, noted.saved.length], [[1_000, 3_000, 10_000, 60_000], 4]);
  preferences.set("auto", false);
  await run();
  assert.deepEqual(noted.saved.at(-1), { ...USUAL, inverted: true, auto: false });
});

test("a page that is left saves at once what waited to be saved, and nothing else", async () => {
  const { keeping, clock, noted, timers } = world({ answers: [true] });
  const preferences = new Preferences({}, keeping, clock);
  preferences.flush();
  preferences.set("type", "area");
  preferences.flush();
  preferences.flush();
  assert.deepEqual([noted.saved.map(({ type }) => type), timers.size], [["area"], 0]);
});

test("what another tab chose is taken, and not told on", () => {
  const { keeping, clock, noted, timers } = world({ answers: [] });
  const preferences = new Preferences({}, keeping, clock);
  preferences.heard({ ...USUAL, scale: "percent", theme: 5 });
  assert.deepEqual([preferences.get("scale"), preferences.get("theme")], ["percent", "system"]);
  assert.deepEqual([noted.told.length, noted.written.length, timers.size], [0, 0, 0]);
});

test("a value that is not allowed changes nothing", () => {
  const { keeping, clock } = world();
  const preferences = new Preferences({ zone: "Asia/Tokyo" }, keeping, clock);
  preferences.set("zone", "Asia/Tokyo");
  preferences.set("type", "pie");
  assert.deepEqual(preferences.all, { ...USUAL, zone: "Asia/Tokyo" });
});

test("what a tab had not saved when it was left goes before what the server knows, and is saved then", async () => {
  const { keeping, clock, noted, run } = world({ answers: [true], unsaved: JSON.stringify({ ...USUAL, zone: "Asia/Tokyo" }) });
  const preferences = new Preferences({ zone: "UTC", type: "line" }, keeping, clock);
  assert.equal(preferences.get("zone"), "Asia/Tokyo");
  await run();
  assert.deepEqual(noted.saved, [{ ...USUAL, zone: "Asia/Tokyo" }]);
});
