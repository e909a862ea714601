// How fresh the page is, in words: the server's judgement of the market, and the page's own way to it.
// Never here: the DOM, a clock, the judgement itself (truecandle/candles/freshness.py).
// Invariant: the worse of the two is told; what is not known to be fresh is never called live.

import { POLL_EVERY_MS } from "../state/serverContact.ts";
import type { ViewModel } from "../state/viewModel.ts";
import { clock, clockWithZone, day, duration, moment } from "./format.ts";
import { shownZone } from "./shownZone.ts";

/** For so long after a trade a market is called live; from then on the trade's age is told. */
const LIVE_MS = 3_000;

/** The server says live, which it does for 10 s after a trade, and none has come here: they come no more. */
const LATE_MS = 12_000;

/** A connection lost for less than this is worth a word, not a sentence across the chart. */
const NOTICE_AFTER_MS = 1_000;

/** A server away for less than this is being reached again; for longer it is away. */
const RECONNECTING_MS = 10_000;

/** Keeps a number beside its unit. */
const NBSP = "\u00a0";

/** From good to bad. */
export type Tone = "live" | "quiet" | "busy" | "warn" | "down";

/** What a reader can do about it. */
export type Step = "retry" | "sign-in";

/** A word or two, "since …" where there is room, and a whole sentence. `lead` comes before the words where there is room. */
export interface Said {
  readonly tone: Tone;
  readonly lead?: string;
  readonly text: string;
  readonly more: string;
  readonly detail: string;
}

/** How fresh the page is, as the badge says it. */
export function freshness(view: ViewModel): Said {
  const { link, load } = view;
  if (isSignedOut(view)) return says("down", "Signed out", "", `Signed out. ${upTo(view, "Sign in to go on.")}`);
  if (link.kind === "away" && view.polledMs !== null && load.kind !== "failed") return polled(view);
  if (!view.isOnline && (link.kind !== "up" || load.status === 0)) return offline(view);
  if (link.kind === "away") return away(view);
  if (link.kind === "connecting") return says("busy", "Connecting", "", "Connecting to the server.");
  if (load.kind === "failed") {
    return says("down", view.bars > 0 ? "Not updating" : "No data", "", `${failure(view)} ${upTo(view)}`.trim());
  }
  if (load.kind === "loading") return says("busy", "Loading", "", "Loading candles.");
  if (view.silentSinceMs !== null) return silent(view, view.silentSinceMs);
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

/** What there is to do about it, beside waiting; null where waiting is all. */
export function nextStep(view: ViewModel): Step | null {
  if (isSignedOut(view)) return "sign-in";
  return view.link.kind === "away" || view.load.kind === "failed" ? "retry" : null;
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
  const tradeMs = lastNewsMs ?? view.link.sinceMs;
  const ageMs = nowMs - tradeMs;
  if (ageMs > LATE_MS) {
    const detail = `The server hears trades, but none has come here since ${clockWithZone(tradeMs)}.`;
    return says("warn", "Stale", sinceWhen(tradeMs, nowMs), detail);
  }
  if (ageMs > LIVE_MS) {
    const detail = `The last trade came at ${clockWithZone(tradeMs)}; the connection is alive.`;
    return { ...says("quiet", `${duration(ageMs)} ago`, "", detail), lead: "Last trade" };
  }
  return says("live", "Live", "", `Trades arrive, the last one at ${clockWithZone(tradeMs)}.`);
}

/** The socket is shut out somewhere on the way, but REST answers. */
function polled(view: ViewModel): Said {
  const market = view.freshness?.state ?? "offline";
  const every = `${POLL_EVERY_MS / 1000}${NBSP}s`;
  const detail = `The live connection is blocked on its way here, so the server is asked every ${every}; last at ${clockWithZone(view.polledMs!)}.`;
  if (market !== "live" && market !== "quiet") return { ...judged(view), detail: `${view.freshness?.why ?? ""} ${detail}`.trim() };
  return { ...says("quiet", `every ${every}`, "", detail), lead: "Updated" };
}

function silent({ nowMs }: ViewModel, sinceMs: number): Said {
  return says("warn", "Silent", duration(nowMs - sinceMs), `The server has said nothing since ${clockWithZone(sinceMs)} and is being asked.`);
}

function offline(view: ViewModel): Said {
  const { link, nowMs } = view;
  const detail = `You are offline since ${clockWithZone(link.sinceMs)}. ${upTo(view, "The chart goes on when the network is back.")}`;
  return says("down", "You are offline", link.kind === "away" ? sinceWhen(link.sinceMs, nowMs) : "", detail);
}

function away(view: ViewModel): Said {
  const { link, nowMs } = view;
  const seconds = Math.ceil((link.retryInMs ?? 0) / 1000);
  const next = seconds > 0 ? `trying again in ${seconds}${NBSP}s` : "trying again now";
  const detail = `Server away since ${clockWithZone(link.sinceMs)}, ${next}. ${upTo(view)}`.trim();
  if (nowMs - link.sinceMs >= RECONNECTING_MS) return says("down", "Server away", sinceWhen(link.sinceMs, nowMs), detail);
  return says("down", "Reconnecting", seconds > 0 ? `in ${seconds}${NBSP}s` : "", detail);
}

function failure({ load }: ViewModel): string {
  if (load.retryInMs === null) return load.detail;
  const seconds = Math.ceil(load.retryInMs / 1000);
  return `${load.detail} ${seconds > 0 ? `Trying again in ${seconds}${NBSP}s.` : "Trying again now."}`;
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
