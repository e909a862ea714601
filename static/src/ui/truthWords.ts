// What the page says about the truth of candles: gaps, corrections, how they were shown. Pure text in, text out.
// Never here: the DOM, a clock; times come in as exchange ms and are told in UTC.
// Invariant: short, exact, no colour needed; what is not known is said to be not known.

import type { Gap, GapReason } from "../candles/marks.ts";
import type { AuditSummary, Correction } from "../net/truthProtocol.ts";
import type { JumpOutcome } from "../state/candleJump.ts";
import type { PointedHole } from "../state/pageState.ts";
import type { ShownCandle, ShownState } from "../state/shownCandles.ts";
import { clock, day, fullMoment, moment } from "./format.ts";

const REASONS: Readonly<Record<GapReason, string>> = Object.freeze({
  maintenance: "exchange maintenance",
  not_listed: "not listed yet",
  delisted: "delisted",
  fetch_failed: "could not be fetched",
  unproven: "not known why",
});

/** Who noticed a correction, by the server's word for it. */
const NOTICED: Readonly<Record<string, string>> = Object.freeze({
  refresh: "when the next candles were fetched",
  daily: "by the daily check",
  verify: "by a check on demand",
  fill: "while history was filled",
  archive: "by the exchange's archive",
  import: "by an import",
});

const FIELDS: Readonly<Record<string, string>> = Object.freeze({
  open: "open", high: "high", low: "low", close: "close", volume: "volume", trades: "trades", close_time: "close time",
  quote_volume: "quote volume", taker_volume: "taker volume", taker_quote_volume: "taker quote volume",
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

/** A time span of open times: "11:05 to 11:39 UTC", with the day where it is another than today. */
export function spanWords(startMs: number, endMs: number, interval: string, nowMs: number): string {
  const zone = /[dwM]$/.test(interval) ? "" : " UTC";
  return `${moment(startMs, interval, nowMs)} to ${moment(endMs, interval, nowMs)}${zone}`;
}

/** What the legend says where no candle is. */
export function holeWords({ gap }: PointedHole, interval: string, nowMs: number): string {
  if (gap === null) return "no candle here; why is not known";
  return `no candle: ${gapWords(gap)} (${spanWords(gap.startMs, gap.endMs, interval, nowMs)})`;
}

export function fieldWord(name: string): string {
  return FIELDS[name] ?? name;
}

/** "close", "high and close", "high, close and 2 more". */
export function fieldWords(names: readonly string[], most = 2): string {
  const words = names.map(fieldWord);
  if (words.length <= most) return words.join(" and ");
  return `${words.slice(0, most).join(", ")} and ${words.length - most} more`;
}

/** "noticed 27 Nov 11:52:03 UTC by the daily check". */
export function noticedWords({ at, by }: Pick<Correction, "at" | "by">): string {
  return `noticed ${day(at)} ${clock(at)} UTC ${NOTICED[by] ?? `by ${by}`}`;
}

/** What was, and what is: for those who hear it. */
export function correctionSpoken({ differing, old, new: now, ...noticed }: Correction): string {
  const values = differing.map((name) => `${fieldWord(name)} was ${value(old, name)}, is ${value(now, name)}`);
  return `Corrected by the exchange, ${noticedWords(noticed)}: ${values.join("; ")}.`;
}

/** How a candle was shown live: one sentence. */
export function shownWords(candle: ShownCandle | undefined, { sinceMs }: ShownState, timeMs: number, interval: string): string {
  if (candle === undefined) {
    if (sinceMs === null) return "How it was shown live is not known.";
    return timeMs < sinceMs ? `How it was shown live is not known: that is kept since ${fullMoment(sinceMs, interval)}.` : "How it was shown live is not kept.";
  }
  if (candle.shown === null) return "It closed while nothing was shown of it.";
  const by = candle.source === "client" ? ", by a browser in the feed's place" : "";
  if (candle.differs === "nothing") return `Shown live exactly as it became official${by}.`;
  return `Shown live with another ${fieldWords(candle.differing)}${by}.`;
}

/** "97.3 %": rounded down, so that only all of them are 100 %. */
export function share(part: number | null): string {
  return part === null ? "–" : `${(Math.floor(part * 1000) / 10).toFixed(part === 1 ? 0 : 1)} %`;
}

/** "3.1 s", "850 ms", "2 min". */
export function late(ms: number | null): string {
  if (ms === null) return "–";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : lasted(ms);
}

/** "0.4 ticks (close)", "none". */
export function worstWords(worst: { readonly field: string; readonly ticks: number } | null, summary: AuditSummary): string {
  if (worst === null) return summary.shown === 0 ? "–" : "none";
  const ticks = Math.round(worst.ticks * 100) / 100;
  return `${ticks.toLocaleString("en-US")} ${ticks === 1 ? "tick" : "ticks"} (${fieldWord(worst.field)})`;
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

function value(candle: Correction["old"], name: string): string {
  const found = (candle as unknown as Record<string, unknown>)[name];
  return typeof found === "number" ? String(found) : "not known";
}
