// What is said to a key on the chart: the candle it went to, or what is in sight now.
// Never here: what keys do (chart/cursor.ts), the DOM.
// Invariant: no key that does something is silent.

import type { PointedCandle } from "../state/pageState.ts";
import type { ViewModel } from "../state/viewModel.ts";
import { moment } from "./format.ts";
import { spoken } from "./legend.tsx";

interface Keyed {
  readonly pointed: PointedCandle | null;
  readonly view: ViewModel;
  readonly precision: number;
  /** First and last open time in sight, and how many candles. */
  readonly sight: { readonly fromMs: number; readonly toMs: number; readonly count: number } | null;
}

/** The sentence for a key that the chart has just heeded. */
export function keyed(key: string, { pointed, view, precision, sight }: Keyed): string {
  const candle = pointed === null ? "There are no candles." : spoken(pointed, view, precision);
  if (key.startsWith("Arrow")) return candle;
  if (key === "Home") return `First candle. ${candle}`;
  if (key === "End") return `At the newest candle. ${candle}`;
  if (key === "Escape") return `No candle chosen. Newest candle: ${candle}`;
  if (sight === null) return candle;
  const [from, to] = [sight.fromMs, sight.toMs].map((ms) => moment(ms, view.interval, view.nowMs));
  return `${key === "+" ? "Zoomed in" : "Zoomed out"}. ${sight.count} candles in sight, from ${from} to ${to}.`;
}
