// How fresh the page is, in words: the server's judgement of the market, and the page's own way to it.
// Never here: the DOM, a clock, the judgement itself (truecandle/candles/freshness.py).
// Invariant: the worse of the two is told; what is not known to be fresh is never called live.

import type { ViewModel } from "../state/viewModel.ts";
import { clock, clockWithZone, day, duration, moment } from "./format.ts";
import { shownZone } from "./shownZone.ts";

/** The server says live, and for so long nothing has come here: it comes no more. */
const LATE_MS = 12_000;

/** A connection lost for less than this is worth a word, not a sentence across the chart. */
const NOTICE_AFTER_MS = 1_000;

/** A server away for less than this is being reached again; for longer it is away. */
const RECONNECTING_MS = 10_000;

/** From good to bad. */
export type Tone = "live" | "quiet" | "busy" | "warn" | "down";

/** A word or two, "since …" where there is room, and a whole sentence. */
export interface Said {
  readonly tone: Tone;
  readonly text: string;
  readonly more: string;
  readonly detail: string;
}

/** How fresh the page is, as the badge says it. */
export function freshness(view: ViewModel): Said {
  const { link, load } = view;
  if (isSignedOut(view)) return says("down", "Signed out", "", `Signed out. ${upTo(view, "Sign in to go on.")}`);
  if (link.kind === "away") return away(view);
  if (link.kind === "connecting") return says("busy", "Connecting", "", "Connecting to the server.");
  if (load.kind === "failed") {
    return says("down", view.bars > 0 ? "Not updating" : "No data", "", `${failure(view)} ${upTo(view)}`.trim());
  }
  if (load.kind === "loading") return says("busy", "Loading", "", "Loading candles.");
  return judged(view);
}

export function isSignedOut({ link, load }: Pick<ViewModel, "link" | "load">): boolean {
  return link.kind === "out" || load.status === 401;
}

/** The sentence across the chart, or "" when there is nothing that must be said there. */
export function notice(view: ViewModel): string {
  const { tone, detail } = freshness(view);
  if (view.link.kind === "away" && view.nowMs - view.link.sinceMs < NOTICE_AFTER_MS) return "";
  if (view.bars === 0 && view.load.kind === "failed" && !isSignedOut(view)) return "";
  return tone === "down" ? detail : "";
}

/** What stands in the middle of a chart without candles: `{title, text}` or null. */
export function emptiness(view: ViewModel): { title: string; text: string } | null {
  const { load, bars, symbol, interval } = view;
  if (bars > 0 || load.kind === "loading") return null;
  if (load.kind === "failed") return { title: `No candles of ${symbol} ${interval}`, text: failure(view) };
  return {
    title: `No candles of ${symbol} ${interval} yet`,
    text: "They appear here by themselves as soon as they are fetched.",
  };
}

/** How far the forming candle can be trusted: `{text, more, detail}`, all "" while none forms. */
export function exactness({ forming, freshness: market, link }: Pick<ViewModel, "forming" | "freshness" | "link">): Omit<Said, "tone"> {
  if (!forming) return { text: "", more: "", detail: "" };
  const state = link.kind === "up" ? market?.state : "offline";
  if (forming.source === "client") {
    return { text: "from a browser", more: "", detail: "The feed is away: a signed-in browser stands in for it with this candle." };
  }
  if (forming.isExact && (state === "live" || state === "quiet")) {
    return { text: "exact", more: "to the last trade", detail: "Every trade of this candle so far is in it, each once, by its id." };
  }
  const detail = "Trades of this candle may be missing; it is put right as soon as they are there.";
  return { text: state === "stale" || state === "offline" ? "may lack trades" : "catching up", more: "", detail };
}

function judged(view: ViewModel): Said {
  const { freshness: market, lastNewsMs, nowMs } = view;
  if (!market) return says("busy", "Connected", "", "Connected. How fresh this market is has not been told yet.");
  const { state, since, why } = market;
  if (state === "offline") return says("down", "Feed offline", sinceWhen(since, nowMs), `${why} ${upTo(view)}`.trim());
  if (state === "stale") return says("warn", "Stale", sinceWhen(since, nowMs), why);
  if (state === "quiet") return says("quiet", since === null ? "Quiet" : `Quiet ${duration(nowMs - since)}`, "", why);
  if (lastNewsMs !== null && nowMs - lastNewsMs > LATE_MS) {
    const detail = `The server hears trades, but none has come here since ${clockWithZone(lastNewsMs)}.`;
    return says("warn", "Stale", sinceWhen(lastNewsMs, nowMs), detail);
  }
  return says("live", "Live", "", "Every trade moves the chart.");
}

function away(view: ViewModel): Said {
  const { link, nowMs } = view;
  const seconds = Math.ceil((link.retryInMs ?? 0) / 1000);
  const next = seconds > 0 ? `trying again in ${seconds} s` : "trying again now";
  const detail = `Server away since ${clockWithZone(link.sinceMs)}, ${next}. ${upTo(view)}`.trim();
  if (nowMs - link.sinceMs >= RECONNECTING_MS) return says("down", "Server away", sinceWhen(link.sinceMs, nowMs), detail);
  return says("down", "Reconnecting", seconds > 0 ? `in ${seconds} s` : "", detail);
}

function failure({ load }: ViewModel): string {
  if (load.retryInMs === null) return load.detail;
  const seconds = Math.ceil(load.retryInMs / 1000);
  return `${load.detail} ${seconds > 0 ? `Trying again in ${seconds} s.` : "Trying again now."}`;
}

function upTo({ officialToMs, interval, nowMs }: ViewModel, otherwise = ""): string {
  const seen = officialToMs === null ? "" : `The candles you see are official up to ${moment(officialToMs, interval, nowMs)}.`;
  return [otherwise, seen].filter(Boolean).join(" ");
}

/** "since 14:02:10"; of another day "since 21 Nov 14:02". */
function sinceWhen(ms: number | null, nowMs: number) {
  if (ms === null) return "";
  return shownZone.value.isSameDay(ms, nowMs) ? `since ${clock(ms)}` : `since ${day(ms)} ${clock(ms).slice(0, 5)}`;
}

function says(tone: Tone, text: string, more: string, detail: string) {
  return { tone, text, more, detail };
}
