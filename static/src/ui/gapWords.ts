// What the page says where no candle is: why, for how long, from when to when. Pure text in, text out.
// Never here: the DOM, a clock; times come in as exchange ms and are told in the zone that is shown.
// Invariant: short, exact, no colour needed; what is not known is said to be not known.

import type { Gap, GapReason } from "../candles/marks.ts";
import type { JumpOutcome } from "../state/candleJump.ts";
import type { PointedHole } from "../state/pageState.ts";
import { fullMoment, isOfDays, moment } from "./format.ts";
import { shownZone } from "./shownZone.ts";

const REASONS: Readonly<Record<GapReason, string>> = Object.freeze({
  maintenance: "exchange maintenance",
  not_listed: "not listed yet",
  delisted: "delisted",
  fetch_failed: "could not be fetched",
  unproven: "not known why",
});

const DAY_MS = 86_400_000;

/** "exchange maintenance"; null: proven, the reason on its way. */
export function reasonWords(reason: GapReason | null): string {
  return reason === null ? "none at the exchange" : REASONS[reason];
}

/** "exchange maintenance, 34 min". */
export function gapWords({ startMs, endMs, reason }: Gap): string {
  return `${reasonWords(reason)}, ${lasted(endMs - startMs)}`;
}

/** 34 min, 2 h, 2 h 30 min, 3 d 4 h, 5 s: no unit that is zero, two at most. */
export function lasted(ms: number): string {
  const parts: [number, string][] = [
    [Math.floor(ms / DAY_MS), "d"], [Math.floor(ms / 3_600_000) % 24, "h"], [Math.floor(ms / 60_000) % 60, "min"], [Math.floor(ms / 1000) % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return "0 s";
  return parts.slice(first, first + 2).filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`).join(" ");
}

/** A time span of open times: "11:05 to 11:39 UTC+1", with the day where it is another than today. */
export function spanWords(startMs: number, endMs: number, interval: string, nowMs: number): string {
  const zone = isOfDays(interval) ? "" : ` ${shownZone.value.label(endMs)}`;
  return `${moment(startMs, interval, nowMs)} to ${moment(endMs, interval, nowMs)}${zone}`;
}

/** What the legend says where no candle is. */
export function holeWords({ time, gap }: PointedHole, interval: string, nowMs: number): string {
  if (time > nowMs) return "this candle has not begun yet";
  if (gap === null) return "no candle here; why is not known";
  return `no candle: ${gapWords(gap)} (${spanWords(gap.startMs, gap.endMs, interval, nowMs)})`;
}

/** What a reader hears who wanted to see a candle, and saw none; "" if it is there. */
export function jumpWords({ kind, timeMs, gap, firstMs }: JumpOutcome, interval: string, nowMs: number): string {
  const at = fullMoment(timeMs, interval);
  switch (kind) {
    case "there":
      return "";
    case "gap":
      return gap === null ? `There is no candle of ${at}; why is not known.` : `There is no candle of ${at}: ${gapWords(gap)} (${spanWords(gap.startMs, gap.endMs, interval, nowMs)}).`;
    case "older":
      return `The candle of ${at} is not stored: the stored ones begin ${firstMs === null ? "later" : `at ${fullMoment(firstMs, interval)}`}.`;
    case "newer":
      return `The candle of ${at} has not begun yet.`;
    case "far":
      return `The candle of ${at} lies further back than could be loaded.`;
  }
}
