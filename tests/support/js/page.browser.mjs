// Mounts parts of the real page in a browser, on signals that the test writes.
import { signal } from "@preact/signals";
import { h, render } from "preact";
import { Announcer } from "../../../static/src/ui/announcer.ts";
import { Legend } from "../../../static/src/ui/legend.tsx";
import { Stage } from "../../../static/src/ui/stage.tsx";
import { StatusBadge } from "../../../static/src/ui/statusBadge.tsx";
import { PageState } from "../../../static/src/state/pageState.ts";
import { Preferences } from "../../../static/src/state/preferences.ts";

const FRESH = { tone: "busy", text: "Loading", more: "", detail: "Loading candles." };

/** A badge and what is read out beside it: `show(said, nowMs)`, and `heard` in order. */
export function newBadge(root) {
  const said = signal(FRESH);
  const announcer = new Announcer();
  const heard = [];
  announcer.text.subscribe((text) => { if (text !== "") heard.push(text); });
  render(h(StatusBadge, { said }), root);
  const show = (next, nowMs) => {
    said.value = next;
    announcer.fresh(next, nowMs);
  };
  return { show, heard };
}

/** The legend's cells for one candle. */
export async function legend(root, candle, interval, precision) {
  const state = new PageState((callback) => callback());
  state.render({ interval, nowMs: candle?.time ?? 0, closesInMs: null }, precision);
  state.pointed.value = candle;
  const preferences = { of: () => signal("candles") };
  render(h(Legend, { page: { state, markets: { list: signal([]) }, preferences } }), root);
  await new Promise(requestAnimationFrame);
  return Object.fromEntries([...root.querySelectorAll("[data-cell]")].map((cell) => [cell.dataset.cell, cell.textContent]));
}

/** The stage in one state: `pressed` is what was asked for; the next `show` is another state. */
export function newStage(root) {
  const state = new PageState((callback) => callback());
  const pressed = [];
  const actions = { retry: () => pressed.push("retry"), toNow: () => {}, key: () => false, go: () => {}, candles: () => [] };
  const show = async (view, message = "") => {
    state.render({ ...VIEW, ...view }, 2);
    state.message.value = message;
    await new Promise(requestAnimationFrame);
  };
  const preferences = new Preferences(null, { read: () => null, write: () => {}, tell: () => {}, save: null }, globalThis);
  const shortcuts = { typed: signal(""), meant: null };
  const config = { symbol: "BTCUSDT", interval: "1m" };
  render(h(Stage, { page: { config, state, actions, preferences, shortcuts, announcer: new Announcer(), markets: { list: signal([]) } } }), root);
  return { show, pressed };
}

const NOW = Date.UTC(2024, 7, 1, 14, 2, 14);
const VIEW = {
  symbol: "BTCUSDT", interval: "1m", nowMs: NOW, isClockKnown: true, link: { kind: "up", sinceMs: NOW - 60_000, retryInMs: null },
  load: { kind: "ready", status: null, detail: "", retryInMs: null }, version: 7, officialToMs: NOW - 74_000, pending: 0, formingMs: null,
  closesInMs: null, price: 1, lastNewsMs: NOW - 500, bars: 500, isOnline: true, polledMs: null, silentSinceMs: null, isLive: true,
  freshness: { state: "live", since: NOW - 60_000, why: "Trades arrive." }, forming: null,
};
