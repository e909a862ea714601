import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { EVENTS } from "../../static/src/net/socket.ts";

const ROOT = new URL("../../static/src/", import.meta.url);
const LINES_MAX = 400;

/** From the top down: a file imports from lower rungs and from its own folder only, types too. */
const LADDER = [["chartPage.ts", "drawingPart.ts", "loginPage.ts", "retryPage.ts", "headScript.ts"], ["pane"], ["chart"], ["ui"], ["state"], ["net"], ["drawings", "studies"], ["candles", "clock.ts"]];

/** Who may know which library: `[place, libraries]`. */
const LIBRARIES = [
  ["net/socket.ts", ["socket.io-client"]],
  ["chartPage.ts", ["@preact/signals-core"]],
  ["state/", ["@preact/signals-core"]],
  ["ui/announcer.ts", ["@preact/signals-core"]],
  ["pane/", ["@preact/signals-core"]],
  ["drawingPart.ts", ["@preact/signals-core", "preact"]],
  ["ui/", ["preact", "preact/hooks", "@preact/signals"]],
  ["chart/", ["lightweight-charts"]],
  ["studies/indicators.ts", ["trading-signals"]],
];

/** Handed everything they talk to. */
const PURE = ["candles/", "drawings/", "studies/", "state/", "net/backoff.ts", "net/connection.ts", "net/subscription.ts", "net/protocol.ts", "ui/format.ts", "ui/freshness.ts"];

const files = readdirSync(ROOT, { recursive: true }).map(String).filter((name) => /\.tsx?$/.test(name));
const source = (name) => readFileSync(new URL(name, ROOT), "utf8");
const code = (name) => source(name).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");

/** `{path, isType}` of all that a file imports; a path of our own is one below static/src. */
function imports(name) {
  const found = [...source(name).matchAll(/^import\s(type\s)?[^;]*?["']([^"']+)["'];/gms)];
  return found.map(([, type, path]) => {
    const own = path.startsWith(".") ? new URL(path, new URL(name, ROOT)).pathname.slice(ROOT.pathname.length) : path;
    return { path: own, isOwn: path.startsWith("."), isType: type !== undefined };
  });
}

function rung(name) {
  const place = name.split("/")[0];
  return LADDER.findIndex((places) => places.includes(place));
}

test("every file has its rung on the ladder", () => {
  assert.deepEqual(files.filter((name) => rung(name) < 0), []);
});

test("a file imports from lower rungs and its own folder only", () => {
  for (const name of files) {
    for (const { path, isOwn } of imports(name)) {
      if (!isOwn) assert.ok(LIBRARIES.some(([place, libraries]) => name.startsWith(place) && libraries.includes(path)), `${name} imports ${path}`);
      else assert.ok(rung(path) > rung(name) || (name.includes("/") && path.split("/")[0] === name.split("/")[0]), `${name} imports ${path}`);
    }
  }
});

test("no file needs itself, by whatever way", () => {
  const needs = new Map(files.map((name) => [name, imports(name).filter(({ isOwn, isType }) => isOwn && !isType).map(({ path }) => path)]));
  const cleared = new Set();
  while (cleared.size < files.length) {
    const next = files.filter((name) => !cleared.has(name) && needs.get(name).every((path) => cleared.has(path)));
    assert.notEqual(next.length, 0, `in a circle: ${files.filter((name) => !cleared.has(name))}`);
    for (const name of next) cleared.add(name);
  }
});

test("the candle rules and the session know no DOM, no network, no clock, no chance", () => {
  for (const name of files.filter((file) => PURE.some((start) => file.startsWith(start)))) {
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
    assert.doesNotMatch(code(name), /innerHTML|dangerouslySet|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/, name);
  }
});

test("event names are the same as the server's", () => {
  const python = readFileSync(new URL("../../truecandle/events.py", import.meta.url), "utf8");
  const names = Object.fromEntries([...python.matchAll(/^([A-Z_]+) = "([a-z_]+)"$/gm)].map((match) => [match[1], match[2]]));
  for (const key of ["DATA_UPDATED", "LIVE_PRICE", "LIVE_CANDLE", "GAP_PROVEN", "FRESHNESS", "RESYNC"]) assert.equal(names[key], EVENTS[key], key);
  for (const [key, name] of Object.entries(EVENTS)) if (key in names) assert.equal(names[key], name, key);
});
