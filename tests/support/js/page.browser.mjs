// Mounts parts of the real page in a browser, on signals that the test writes.
import { signal } from "@preact/signals";
import { h, render } from "preact";
import { Announcer } from "../../../static/src/ui/announcer.ts";
import { Legend } from "../../../static/src/ui/legend.tsx";
import { StatusBadge } from "../../../static/src/ui/statusBadge.tsx";
import { PageState } from "../../../static/src/state/pageState.ts";

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
