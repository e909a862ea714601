// A market's freshness as the server tells it, by socket or by REST, checked.
// Never here: requests, the page's own judgement (ui/freshness.ts).
// Invariant: what is malformed is null, and never counts as fresh.

import type { Unchecked } from "../candles/candle.ts";
import { isMoment } from "../candles/interval.ts";
import type { Freshness, FreshnessState } from "./protocol.ts";

/** How fresh a market can be. */
const STATES: ReadonlySet<unknown> = new Set<FreshnessState>(["live", "quiet", "stale", "offline"]);

/** `{state, since, why}`, or null. */
export function freshness(payload: unknown): Freshness | null {
  if (payload === null || typeof payload !== "object") return null;
  const { state, since, why } = payload as Unchecked<Freshness>;
  if (!isState(state) || !isSince(since)) return null;
  return { state, since, why: typeof why === "string" ? why : "" };
}

/** A time, or null where the server does not know since when. */
function isSince(value: unknown): value is number | null {
  return value === null || isMoment(value);
}

function isState(value: unknown): value is FreshnessState {
  return STATES.has(value);
}
