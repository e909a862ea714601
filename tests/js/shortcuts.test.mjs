import assert from "node:assert/strict";
import { test } from "node:test";

import { intervalOf, isIntervalStart } from "../../static/src/ui/intervalKeys.ts";
import { Shortcuts } from "../../static/src/ui/shortcuts.ts";

const ALL = ["1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M"];

function world(options = {}) {
  const done = [];
  let timer = null;
  const note = (name) => (value) => { done.push(value === undefined ? name : `${name} ${value}`); };
  const shortcuts = new Shortcuts({
    intervals: ALL, isOn: () => true, go: note("go"), openSearch: note("search"), openList: note("list"), say: note("say"),
    clock: { setTimeout: (callback) => { timer = callback; return 1; }, clearTimeout: () => { timer = null; } },
    alt: { KeyR: note("reset") }, ...options,
  });
  const press = (...keys) => keys.map((key) => shortcuts.press({ key, code: "", altKey: false, ctrlKey: false, metaKey: false }));
  return { shortcuts, done, press, wait: () => timer?.() };
}

test("a number is minutes, and a unit may follow", () => {
  const meant = (text, offered = ALL) => intervalOf(text, offered);
  assert.deepEqual(["1", "5", "15", "60", "240", "1440"].map((text) => meant(text)), ["1m", "5m", "15m", "1h", "4h", "1d"]);
  assert.deepEqual(["1s", "4h", "4H", "1D", "1d", "3d", "1w", "1W", "1M", "1m", "24h", "7d"].map((text) => meant(text)), ["1s", "4h", "4h", "1d", "1d", "3d", "1w", "1w", "1M", "1m", "1d", "1w"]);
  for (const text of ["7", "0", "", "h", "2d", "1S5", "5M", "99999"]) assert.equal(meant(text), null, text);
  assert.equal(meant("5", ["1m", "1h"]), null);
  assert.ok(isIntervalStart("2") && isIntervalStart("24") && isIntervalStart("1w") && !isIntervalStart("1x") && !isIntervalStart("1hh") && !isIntervalStart("123456"));
});

test("digits and Enter choose an interval, as does a pause", () => {
  const { shortcuts, done, press, wait } = world();
  assert.deepEqual(press("1", "5"), [true, true]);
  assert.deepEqual([shortcuts.typed.value, shortcuts.meant, done], ["15", "15m", []]);
  press("Enter");
  assert.deepEqual([done, shortcuts.typed.value], [["go 15m"], ""]);
  press("4", "h");
  wait();
  press("1", "M", "Enter");
  assert.deepEqual(done, ["go 15m", "go 4h", "go 1M"]);
});

test("what was typed can be taken back, and what is not offered is said", () => {
  const { shortcuts, done, press } = world();
  press("1", "5", "Backspace", "Enter", "9", "Escape", "7", "Enter");
  assert.deepEqual(done, ["go 1m", "say No interval 7 is offered here."]);
  assert.deepEqual(press("3", "x", "Escape"), [true, true, true]);
  assert.deepEqual([shortcuts.typed.value, done.length], ["", 2]);
});

test("a letter opens the search with it, whatever alphabet; other keys are left alone", () => {
  const { done, press } = world();
  assert.deepEqual(press("b", "Ж", "?", "/", "0", " ", "Tab", "ArrowLeft", "Enter", "F5", "+"), [true, true, true, true, false, false, false, false, false, false, false]);
  assert.deepEqual(done, ["search B", "search Ж", "list", "search "]);
});

test("Alt and a key's place do the rest, whatever sign Alt makes of it", () => {
  const { shortcuts, done } = world();
  const event = { key: "®", code: "KeyR", altKey: true, ctrlKey: false, metaKey: false };
  assert.ok(shortcuts.press(event));
  assert.ok(!shortcuts.press({ ...event, code: "KeyQ" }) && !shortcuts.press({ ...event, code: "constructor" }));
  assert.ok(!shortcuts.press({ ...event, ctrlKey: true }) && !shortcuts.press({ ...event, altKey: false, key: "r", metaKey: true }));
  assert.deepEqual(done, ["reset"]);
});

test("switched off, nothing happens", () => {
  const { shortcuts, done, press } = world({ isOn: () => false });
  assert.deepEqual(press("1", "b", "?"), [false, false, false]);
  assert.ok(!shortcuts.press({ key: "r", code: "KeyR", altKey: true, ctrlKey: false, metaKey: false }));
  assert.deepEqual(done, []);
});
