// What the page shows beside the candles, as one plain value; words are made from it later.
// Never here: words, the DOM, a clock of its own.
// Invariant: times are exchange ms, waits are durations, null means not known.

import type { CandleInState } from "../candles/candle.ts";
import type { History } from "../candles/history.ts";
import type { Series } from "../candles/series.ts";
import type { ConnectionKind, ConnectionState } from "../net/connection.ts";
import type { Freshness } from "../net/protocol.ts";
import type { OlderView } from "./historyEdge.ts";
import type { LiveCandles } from "./liveCandles.ts";
import type { LoadState } from "./loader.ts";
import type { ServerContact } from "./serverContact.ts";
import type { ServerClock } from "./serverClock.ts";

/** What the words of the page are made from. */
export interface ViewModel {
  readonly symbol: string;
  readonly interval: string;
  readonly nowMs: number;
  readonly isClockKnown: boolean;
  readonly link: { readonly kind: ConnectionKind; readonly sinceMs: number; readonly retryInMs: number | null };
  /** Whether the browser has a network, as far as it says. */
  readonly isOnline: boolean;
  /** When REST last answered in the place of a socket that can't connect; null while it is not asked or does not. */
  readonly polledMs: number | null;
  /** Since when the server was not heard, although it was asked; null while it is. */
  readonly silentSinceMs: number | null;
  /** Whether price, forming candle and countdown are those of this moment. What is not is drawn grey. */
  readonly isLive: boolean;
  readonly load: { readonly kind: LoadState["kind"]; readonly status: number | null; readonly detail: string; readonly retryInMs: number | null };
  readonly version: number | null;
  readonly officialToMs: number | null;
  /** How many candles have closed and wait for their official version. */
  readonly pending: number;
  /** Their open times, ascending. */
  readonly waiting: readonly number[];
  readonly formingMs: number | null;
  readonly forming: { readonly isExact: boolean; readonly source: "live" | "client" } | null;
  readonly freshness: Freshness | null;
  /** Until the forming candle closes; null too while nobody knows whether it forms still. */
  readonly closesInMs: number | null;
  readonly price: number | null;
  readonly lastNewsMs: number | null;
  readonly bars: number;
  readonly older: OlderView;
}

interface Parts {
  readonly series: Series;
  readonly history: History;
  readonly items: readonly CandleInState[];
  readonly live: LiveCandles;
  readonly link: ConnectionState;
  readonly load: LoadState;
  readonly time: ServerClock;
  readonly contact: ServerContact;
  readonly older: OlderView;
}

/** One value from all parts of the session. */
export function viewModel({ series, history, items, live, link, load, time, contact, older }: Parts): ViewModel {
  const { symbol, interval } = series;
  const last = history.last;
  const newest = items.at(-1) ?? null;
  const forming = newest?.state === "forming" ? newest.candle : null;
  const waiting = items.filter((item) => item.state === "pending").map(({ candle }) => candle.time);
  const { localMs } = time;
  const nowMs = time.now();
  const { polledMs } = contact;
  const silentMs = link.kind === "up" ? contact.silentSince(live.freshness?.state === "live") : null;
  const isReached = link.kind === "up" ? silentMs === null : link.kind === "away" && polledMs !== null;
  const isLive = isReached && load.kind === "ready" && isCurrent(live.freshness);
  return {
    symbol,
    interval: interval.name,
    nowMs,
    isClockKnown: time.isKnown,
    link: { kind: link.kind, sinceMs: time.toExchange(link.sinceMs), retryInMs: wait(link.retryAtMs, localMs) },
    isOnline: contact.isOnline,
    polledMs: polledMs === null || link.kind !== "away" ? null : time.toExchange(polledMs),
    silentSinceMs: silentMs === null ? null : time.toExchange(silentMs),
    isLive,
    load: loadView(load, localMs),
    version: history.version,
    officialToMs: last !== null && interval.hasGrid ? interval.nextOpenMs(last.time) : null,
    pending: waiting.length,
    waiting,
    formingMs: forming?.time ?? null,
    forming: forming && { isExact: forming.isExact === true && link.kind === "up", source: forming.source },
    freshness: live.freshness,
    closesInMs: forming !== null && interval.hasGrid && isLive ? interval.nextOpenMs(forming.time) - nowMs : null,
    price: live.price ?? newest?.candle.close ?? last?.close ?? null,
    lastNewsMs: live.lastNewsMs,
    bars: history.rows.length + items.length,
    older,
  };
}

function loadView(load: LoadState, localMs: number): ViewModel["load"] {
  if (load.kind !== "failed") return { kind: load.kind, status: null, detail: "", retryInMs: null };
  return { kind: load.kind, status: load.status ?? null, detail: load.detail, retryInMs: wait(load.retryAtMs, localMs) };
}

/** A quiet market's last price is its price still; of a stale one nobody knows. */
function isCurrent(freshness: Freshness | null) {
  return freshness?.state === "live" || freshness?.state === "quiet";
}

function wait(untilMs: number | null, localMs: number) {
  return untilMs === null ? null : Math.max(0, untilMs - localMs);
}
