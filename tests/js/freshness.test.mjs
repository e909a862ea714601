import assert from "node:assert/strict";
import { test } from "node:test";

import { emptiness, exactness, freshness, isSignedOut, nextStep, notice } from "../../static/src/ui/freshness.ts";

const NOW = Date.UTC(2024, 7, 1, 14, 2, 14);
const LIVE = { state: "live", since: NOW - 60_000, why: "Trades arrive." };
const VIEW = {
  symbol: "BTCUSDT", interval: "1m", nowMs: NOW, isClockKnown: true, link: { kind: "up", sinceMs: NOW - 60_000, retryInMs: null },
  load: { kind: "ready", status: null, detail: "", retryInMs: null }, version: 7, officialToMs: Date.UTC(2024, 7, 1, 14, 1),
  pending: 1, formingMs: Date.UTC(2024, 7, 1, 14, 2), closesInMs: 41_000, price: 1, lastNewsMs: NOW - 500, bars: 500,
  isOnline: true, polledMs: null, silentSinceMs: null, isLive: true, freshness: LIVE, forming: { isExact: true, source: "live" },
};
const UP_TO = "The candles you see are official up to 14:01.";
const away = (forMs, retryInMs) => ({ ...VIEW, link: { kind: "away", sinceMs: NOW - forMs, retryInMs } });
const judged = (state, forMs, why = "Because.") => ({
  ...VIEW, freshness: { state, since: forMs === null ? null : NOW - forMs, why },
});
const pill = (view) => {
  const { tone, lead = "", text, more } = freshness(view);
  return [tone, plain(`${lead} ${text} ${more}`)];
};
/** Without the spaces that keep a number beside its unit. */
const plain = (text) => text.replaceAll("\u00a0", " ").trim();

test("the server's judgement is said in words, from live to offline", () => {
  assert.deepEqual(pill(VIEW), ["live", "Live"]);
  assert.deepEqual(pill(judged("quiet", 12_400)), ["quiet", "Quiet 12 s"]);
  assert.deepEqual(pill(judged("quiet", 5 * 60_000 + 1)), ["quiet", "Quiet 5 min"]);
  assert.deepEqual(pill(judged("quiet", null)), ["quiet", "Quiet"]);
  assert.deepEqual(pill(judged("stale", 134_000)), ["warn", "Stale since 14:00:00"]);
  assert.deepEqual(pill(judged("stale", 15 * 3_600_000)), ["warn", "Stale since 31 Jul 23:02"]);
  assert.deepEqual(pill(judged("offline", 4_000)), ["down", "Feed offline since 14:02:10"]);
  assert.deepEqual(pill(judged("offline", null)), ["down", "Feed offline"]);
});

test("the sentence behind it is the server's reason", () => {
  for (const state of ["quiet", "stale"]) assert.equal(freshness(judged(state, 12_000)).detail, "Because.");
  assert.equal(freshness(judged("offline", 4_000)).detail, `Because. ${UP_TO}`);
  assert.equal(freshness(VIEW).detail, "Trades arrive, the last one at 14:02:13 UTC.");
});

test("only a market whose data does not come is told of across the chart", () => {
  for (const state of ["live", "quiet", "stale"]) assert.equal(notice(judged(state, 12_000)), "");
  assert.equal(notice(judged("offline", 4_000)), `Because. ${UP_TO}`);
});

test("live is said for 3 s after a trade, then the trade's age; what should come and does not is stale", () => {
  const after = (ms) => ({ ...VIEW, lastNewsMs: NOW - ms });
  assert.deepEqual(pill(after(3_000)), ["live", "Live"]);
  assert.deepEqual(pill(after(3_001)), ["quiet", "Last trade 3 s ago"]);
  assert.deepEqual(pill(after(12_000)), ["quiet", "Last trade 12 s ago"]);
  assert.deepEqual(pill(after(12_001)), ["warn", "Stale since 14:02:01"]);
  assert.equal(freshness(after(12_001)).detail, "The server hears trades, but none has come here since 14:02:01 UTC.");
  assert.deepEqual(pill({ ...VIEW, lastNewsMs: null }), ["warn", "Stale since 14:01:14"], "a connection of a minute, and no trade of it");
});

test("a server that is silent although it is asked is said to be so before it is given up", () => {
  const silent = { ...VIEW, silentSinceMs: NOW - 4_200 };
  assert.deepEqual(pill(silent), ["warn", "Silent 4 s"]);
  assert.equal(freshness(silent).detail, "The server has said nothing since 14:02:09 UTC and is being asked.");
  assert.equal(notice(silent), "");
});

test("a socket that is shut out while REST answers is told apart from a server that is away", () => {
  const blocked = { ...away(60_000, 2_000), polledMs: NOW - 1_000 };
  assert.deepEqual(pill(blocked), ["quiet", "Updated every 5 s"]);
  assert.equal(plain(freshness(blocked).detail), "The live connection is blocked on its way here, so the server is asked every 5 s; last at 14:02:13 UTC.");
  assert.equal(notice(blocked), "");
  assert.deepEqual(pill({ ...blocked, freshness: judged("stale", 134_000).freshness }), ["warn", "Stale since 14:00:00"]);
});

test("no network is not called a server that is away, and a server on this machine is still reached", () => {
  const cut = { ...away(4_000, 2_000), isOnline: false };
  assert.deepEqual(pill(cut), ["down", "You are offline since 14:02:10"]);
  assert.match(notice(cut), /^You are offline since 14:02:10 UTC\. The chart goes on when/);
  assert.deepEqual(pill({ ...VIEW, isOnline: false }), ["live", "Live"]);
});

test("whoever waits is told what else there is to do", () => {
  assert.equal(nextStep(VIEW), null);
  assert.equal(nextStep(away(4_000, 2_000)), "retry");
  assert.equal(nextStep({ ...VIEW, load: { kind: "failed", status: 503, detail: "", retryInMs: 1 } }), "retry");
  assert.equal(nextStep({ ...VIEW, load: { kind: "failed", status: 401, detail: "", retryInMs: null } }), "sign-in");
});

test("what the page cannot know is never called live", () => {
  const links = ["connecting", "away", "out"].map((kind) => ({ ...VIEW, link: { kind, sinceMs: NOW - 500, retryInMs: 100 } }));
  const loads = ["loading", "failed"].map((kind) => ({ ...VIEW, load: { kind, status: null, detail: "No.", retryInMs: null } }));
  for (const view of [...links, ...loads, { ...VIEW, freshness: null }]) {
    assert.ok(["busy", "down"].includes(freshness(view).tone), freshness(view).text);
  }
  assert.deepEqual(pill({ ...VIEW, load: { kind: "loading" } }), ["busy", "Loading"]);
  assert.deepEqual(pill({ ...VIEW, link: { kind: "connecting", sinceMs: NOW } }), ["busy", "Connecting"]);
  assert.deepEqual(pill({ ...VIEW, freshness: null }), ["busy", "Connected"]);
});

test("a server that is away is told with since when, what next and what still holds", () => {
  assert.deepEqual(pill(away(4_000, 2_400)), ["down", "Reconnecting in 3 s"]);
  assert.deepEqual(pill(away(4_000, 0)), ["down", "Reconnecting"]);
  assert.deepEqual(pill(away(14_000, 2_400)), ["down", "Server away since 14:02:00"]);
  assert.equal(plain(notice(away(4_000, 2_400))), `Server away since 14:02:10 UTC, trying again in 3 s. ${UP_TO}`);
  assert.equal(notice(away(500, 200)), "", "a blink of the connection is no sentence across the chart");
  assert.equal(notice(away(999, 0)), "");
});

test("signed out is said as such, whether socket or answer told", () => {
  for (const view of [{ ...VIEW, link: { kind: "out", sinceMs: NOW } }, { ...VIEW, load: { kind: "failed", status: 401, detail: "", retryInMs: null } }]) {
    assert.ok(isSignedOut(view));
    assert.equal(freshness(view).text, "Signed out");
    assert.equal(notice(view), `Signed out. Sign in to go on. ${UP_TO}`);
  }
});

test("an empty chart says why and what happens next", () => {
  assert.equal(emptiness(VIEW), null);
  assert.equal(emptiness({ ...VIEW, bars: 0, load: { kind: "loading" } }), null);
  assert.match(emptiness({ ...VIEW, bars: 0 }).title, /^No candles of BTCUSDT 1m yet$/);
  const failed = { kind: "failed", status: 503, detail: "The store is away.", retryInMs: 3_200 };
  assert.equal(plain(emptiness({ ...VIEW, bars: 0, load: failed }).text), "The store is away. Trying again in 4 s.");
  assert.deepEqual(pill({ ...VIEW, bars: 0, load: failed }), ["down", "No data"]);
});

test("candles that are still shown while the store is away are said not to move", () => {
  const view = { ...VIEW, load: { kind: "failed", status: 503, detail: "The store is away.", retryInMs: 3_200 } };
  assert.equal(freshness(view).text, "Not updating");
  assert.equal(plain(notice(view)), `The store is away. Trying again in 4 s. ${UP_TO}`);
});

test("the forming candle says whether it is exact, and when it is a browser's", () => {
  const told = (forming, view = VIEW) => {
    const { text, more } = exactness({ ...view, forming });
    return `${text} ${more}`.trim();
  };
  assert.equal(told({ isExact: true, source: "live" }), "exact to the last trade");
  assert.equal(told({ isExact: true, source: "live" }, judged("quiet", 12_000)), "exact to the last trade");
  for (const view of [judged("stale", 1_000), judged("offline", 1_000), away(4_000, 0)]) {
    for (const isExact of [true, false]) assert.equal(told({ isExact, source: "live" }, view), "may lack trades", "more may have traded since");
  }
  assert.equal(told({ isExact: false, source: "live" }), "catching up");
  assert.equal(told({ isExact: false, source: "live" }, judged("quiet", 12_000)), "catching up");
  assert.equal(told({ isExact: false, source: "client" }, judged("offline", 1_000)), "from a browser");
  assert.deepEqual(exactness({ ...VIEW, forming: null }), { text: "", more: "", detail: "" });
});
