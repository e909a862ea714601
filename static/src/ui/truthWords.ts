// What the page says about the truth of candles: corrections, how they were shown, in figures. Pure text in, text out.
// Never here: gaps (gapWords.ts), the DOM, a clock; times come in as exchange ms and are told in the zone that is shown.
// Invariant: short, exact, no colour needed; what is not known is said to be not known.

import type { AuditSummary, Correction } from "../net/protocol.ts";
import type { ShownCandle, ShownState } from "../state/shownCandles.ts";
import { clockWithZone, day, fullMoment } from "./format.ts";
import { lasted } from "./gapWords.ts";

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

export function fieldWord(name: string): string {
  return FIELDS[name] ?? name;
}

/** "close", "high and close", "high, close and 2 more". */
export function fieldWords(names: readonly string[], most = 2): string {
  const words = names.map(fieldWord);
  if (words.length <= most) return words.join(" and ");
  return `${words.slice(0, most).join(", ")} and ${words.length - most} more`;
}

/** "noticed 27 Nov 11:52:03 UTC+1 by the daily check". */
export function noticedWords({ at, by }: Pick<Correction, "at" | "by">): string {
  return `noticed ${day(at)} ${clockWithZone(at)} ${NOTICED[by] ?? `by ${by}`}`;
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

function value(candle: Correction["old"], name: string): string {
  const found = (candle as unknown as Record<string, unknown>)[name];
  return typeof found === "number" ? String(found) : "not known";
}
