import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { EVENTS } from "../../static/js/socket.js";

const ROOT = new URL("../../static/js/", import.meta.url);
const LINES_MAX = 200;

/** From the top down; a file imports from lower rungs only, never from its own. */
const LADDER = [
  ["main.js", "login.js", "first.js"],
  ["session.js"],
  ["link.js", "loader.js", "live.js", "poster.js", "day.js", "time.js", "view.js", "watch.js", "api.js", "socket.js", "chart.js", "ui.js"],
  ["bars.js", "cursor.js", "fades.js", "freshness.js", "legend.js", "marks.js", "menu.js", "pill.js", "style.js"],
  ["theme.js", "words.js"],
  ["candles/builder.js", "candles/chain.js", "candles/history.js", "candles/merge.js", "candles/series.js"],
  ["candles/holes.js", "candles/missing.js", "candles/price.js"],
  ["candles/epoch.js"],
  ["candles/candle.js"],
  ["candles/interval.js"],
];

/** Only these know a library. */
const MAY_USE_VENDOR = new Set(["socket.js", "chart.js", "bars.js", "style.js"]);

/** Handed everything they talk to. */
const PURE = ["session.js", "link.js", "loader.js", "live.js", "poster.js", "day.js", "time.js", "view.js", "watch.js", "freshness.js", "words.js"];

const files = readdirSync(ROOT, { recursive: true }).map(String).filter((name) => name.endsWith(".js"));
const source = (name) => readFileSync(new URL(name, ROOT), "utf8");
const code = (name) => source(name).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");

function imports(name) {
  const found = [...source(name).matchAll(/^import\s[^;]*?["']([^"']+)["'];/gms)].map((match) => match[1]);
  return found.map((path) => new URL(path, new URL(name, ROOT)).pathname);
}

function rung(name) {
  return LADDER.findIndex((names) => names.includes(name));
}

test("every file has its rung on the ladder", () => {
  assert.deepEqual([...files].sort(), LADDER.flat().sort());
});

test("a file imports from lower rungs only", () => {
  for (const name of files) {
    for (const path of imports(name)) {
      if (path.includes("/vendor/")) {
        assert.ok(MAY_USE_VENDOR.has(name), `${name} imports ${path}`);
        continue;
      }
      const target = path.slice(ROOT.pathname.length);
      assert.ok(rung(target) > rung(name), `${name} imports ${target}`);
    }
  }
});

test("the candle rules and the session know no DOM, no network, no clock, no chance", () => {
  for (const name of [...files.filter((file) => file.startsWith("candles/")), ...PURE]) {
    const found = code(name).match(/\b(document|window|globalThis|fetch\(|Date\.now|new Date\(\)|Math\.random|localStorage|performance)/);
    assert.equal(found, null, `${name} uses ${found?.[0]}`);
  }
});

test("every file says what lives in it, what must never, and its invariant, and stays short", () => {
  for (const name of files) {
    const lines = source(name).split("\n");
    assert.match(lines.slice(0, 3).join("\n"), /^\/\/ .+\n\/\/ Never here: .+\n\/\/ Invariant: .+$/, name);
    assert.ok(lines.length - 1 <= LINES_MAX, `${name} has ${lines.length - 1} lines`);
  }
});

test("nothing is put into the page as markup, and nothing is evaluated", () => {
  for (const name of files) {
    assert.doesNotMatch(code(name), /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/, name);
  }
});

test("event names are the same as the server's", () => {
  const python = readFileSync(new URL("../../truecandle/events.py", import.meta.url), "utf8");
  const names = Object.fromEntries([...python.matchAll(/^([A-Z_]+) = "([a-z_]+)"$/gm)].map((match) => [match[1], match[2]]));
  for (const key of ["DATA_UPDATED", "LIVE_PRICE", "LIVE_CANDLE", "GAP_PROVEN", "FRESHNESS", "RESYNC"]) assert.equal(names[key], EVENTS[key], key);
  for (const [key, name] of Object.entries(EVENTS)) if (key in names) assert.equal(names[key], name, key);
});
