// The REST answers that the page needs, as checked values; refusals become one kind of error.
// Never here: what to do about an error, retries, the DOM.
// Invariant: an answer that resolves holds sound candles, ascending, times in ms.

import { officialFromColumns, type Candle, type Unchecked } from "../candles/candle.ts";
import { isInteger, isMoment } from "../candles/interval.ts";
import { gapsOf, type PageMarks } from "../candles/marks.ts";
import { spans, type MissingSpan } from "../candles/missing.ts";
import { freshness } from "./freshness.ts";
import type { Correction, DataAnswer, ExchangeMarketsAnswer, Freshness, GapFields, HistoryAnswer, Market, MarketsAnswer, Problem, SaveAnswer } from "./protocol.ts";
import type { Audit, TruthQuery } from "./truthAnswers.ts";

/** No request is waited for longer than this. */
export const TIMEOUT_MS = 10_000;

/** Browsers send no more than 64 KiB after a page has been left, and refuse what is larger at once. */
const KEPT_ALIVE_MAX = 20_000;

/** Retry-After beyond this is not believed. */
const RETRY_AFTER_MAX_S = 3_600;

/** What the page asks of REST. */
export type Api = ReturnType<typeof createApi>;

export interface DataQuery {
  readonly symbol: string;
  readonly interval: string;
  readonly limit: number;
  /** Candles that open before it. */
  readonly before?: number | null;
  readonly live?: boolean;
  readonly marks?: boolean;
  readonly signal?: AbortSignal;
}

export interface HistoryQuery {
  readonly symbol: string;
  readonly interval: string;
  readonly signal?: AbortSignal;
}

/** Official candles at one version, and of the same instant what is live; `serverMs` is to the second. */
export interface DataPage {
  readonly version: number;
  readonly candles: readonly Candle[];
  readonly live: readonly unknown[];
  readonly missing: readonly MissingSpan[];
  /** Null unless they were asked for. */
  readonly marks: PageMarks | null;
  readonly hasMore: boolean;
  readonly serverMs: number | null;
}

export interface CandleOffer {
  readonly symbol: string;
  readonly interval: string;
  readonly candle: Candle & { readonly isIncomplete: true; readonly source: "client" };
}

/** A refusal: HTTP status (0: no answer came), code and detail for people. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly retryAfterMs: number | null;
  /** Of a conflict: what is stored instead. */
  readonly current: unknown;

  constructor(status: number, code: string, detail: string, retryAfterMs: number | null = null, current: unknown = null) {
    super(detail);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
    this.current = current;
  }
}

/** `fetch` and the CSRF token come in; what comes out are the calls the page makes. */
export function createApi({ fetch, csrfToken }: { fetch: typeof globalThis.fetch; csrfToken: string }) {
  async function ask(url: string, options: { method?: string; headers?: Record<string, string>; body?: string; keepalive?: boolean; signal?: AbortSignal } = {}) {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
    const headers = { Accept: "application/json", ...options.headers };
    const response = await answered(fetch(url, { ...options, headers, signal, credentials: "same-origin" }), options.signal);
    const body: unknown = await answered(response.json(), options.signal).catch((error: Error) => {
      if (error.name === "AbortError") throw error;
      return null;
    });
    if (!response.ok) throw refused(response, body);
    if (body === null || typeof body !== "object") {
      throw new ApiError(response.status, "malformed", "The server's answer was not readable.");
    }
    return { body, serverMs: Date.parse(response.headers.get("Date") ?? "") || null };
  }

  async function told(path: string, { symbol, interval, limit, start, end, summary = true, signal }: TruthQuery & { readonly summary?: boolean }) {
    const query = new URLSearchParams({ symbol, interval, limit: String(limit) });
    if (start !== undefined) query.set("start", String(start));
    if (end !== undefined) query.set("end", String(end));
    if (!summary) query.set("summary", "0");
    return (await ask(`${path}?${query}`, { signal })).body;
  }

  return Object.freeze({
    /** Official candles and version; with `live` also what is pending, forming and proven missing, of one snapshot. */
    async data({ symbol, interval, limit, before = null, live = false, marks = false, signal }: DataQuery): Promise<DataPage> {
      const query = new URLSearchParams({ symbol, interval, limit: String(limit), time: "ms" });
      if (before !== null) query.set("before", String(before));
      if (live) query.set("live", "1");
      if (marks) query.set("marks", "1");
      const { body: answer, serverMs } = await ask(`/data?${query}`, { signal });
      const body: Unchecked<DataAnswer> = answer;
      if (!hasColumns(body) || !isInteger(body.version)) {
        throw new ApiError(200, "malformed", "The server's answer was not readable.");
      }
      const candles = officialFromColumns(body);
      const hasMore = typeof body.has_more === "boolean" ? body.has_more : body.time.length === limit;
      return {
        version: body.version, candles, live: Array.isArray(body.live) ? body.live : [], missing: spans(body.missing),
        marks: marks ? marksOf(body, candles, before === null) : null, hasMore, serverMs,
      };
    },

    /** What the server knows of the truth of candles, newest first. */
    async corrections(query: TruthQuery): Promise<Correction[]> {
      const body = await told("/corrections", query);
      return (await truthAnswers()).corrections(body);
    },
    async gaps(query: TruthQuery): Promise<GapFields[]> {
      const body = await told("/gaps", query);
      return (await truthAnswers()).gaps(body);
    },
    async audit(query: TruthQuery & { readonly summary: boolean }): Promise<Audit> {
      const body = await told("/audit", query);
      return (await truthAnswers()).audit(body);
    },

    /** How far back a series is stored; whoever asks for one whose older candles are fetched waits for them. */
    async history({ symbol, interval, signal }: HistoryQuery): Promise<HistoryAnswer> {
      return historyOf((await ask(`/history?${new URLSearchParams({ symbol, interval })}`, { signal })).body);
    },

    /** Wishes for the candles from `fromMs` on. */
    async wish({ symbol, interval, fromMs, signal }: HistoryQuery & { readonly fromMs: number }): Promise<HistoryAnswer> {
      const headers = { "Content-Type": "application/json", "X-CSRFToken": csrfToken };
      const body = JSON.stringify({ symbol, interval, from: fromMs });
      return historyOf((await ask("/history", { method: "POST", headers, body, signal })).body);
    },

    /** How fresh a market is, in the server's judgement; null where it can't be read. */
    async freshness({ symbol, interval }: Pick<DataQuery, "symbol" | "interval">): Promise<Freshness | null> {
      const { body } = await ask(`/live-candle?${new URLSearchParams({ symbol, interval })}`);
      return freshness((body as { readonly freshness?: unknown }).freshness);
    },

    /** Offers our forming candle. `{status: "saved"}` or `{status: "ignored", reason}`. */
    async save({ symbol, interval, candle }: CandleOffer): Promise<SaveAnswer> {
      const { body } = await ask("/save-live-candle", {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken },
        body: JSON.stringify({ symbol, interval, candle }),
      });
      return body as SaveAnswer;
    },

    /** The followed markets: `{symbol, status, tick_size, …}`, in the order they were added. */
    async markets(): Promise<Market[]> {
      const { body } = await ask("/markets");
      const { markets }: Unchecked<MarketsAnswer> = body;
      return (Array.isArray(markets) ? markets : []).filter((market) => typeof market?.symbol === "string");
    },

    /** Follows one market more; resolves with it, or rejects with what the exchange or the server says. */
    async follow(symbol: string): Promise<Market> {
      const { body } = await ask("/markets", {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken },
        body: JSON.stringify({ symbol }),
      });
      return body as Market;
    },

    /** Has the server keep the reader's choices, all of them. */
    async saveSettings(settings: object): Promise<void> {
      await ask("/settings", {
        method: "PUT",
        keepalive: true, // also while the page is left
        headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken },
        body: JSON.stringify({ settings }),
      });
    },

    /** For what is loaded later and knows its own paths: resolves with the answer's JSON object. */
    async request(path: string, { method = "GET", body }: { readonly method?: string; readonly body?: object } = {}): Promise<unknown> {
      if (body === undefined) return (await ask(path, { method })).body;
      const text = JSON.stringify(body);
      const headers = { "Content-Type": "application/json", "X-CSRFToken": csrfToken };
      return (await ask(path, { method, headers, body: text, keepalive: text.length < KEPT_ALIVE_MAX })).body; // also while the page is left
    },

    /** Follows it no more; rejects with what the server says. */
    async unfollow(symbol: string): Promise<void> {
      const url = `/markets/${encodeURIComponent(symbol)}`;
      const response = await answered(fetch(url, { method: "DELETE", headers: { Accept: "application/json", "X-CSRFToken": csrfToken } }));
      if (!response.ok) throw refused(response, await response.json().catch(() => null));
    },

    /** Markets of the exchange with their last 24 hours: these, or all. The browser itself asks by the ETag it has kept. */
    async exchangeMarkets(symbols: readonly string[]): Promise<ExchangeMarketsAnswer> {
      const query = symbols.length === 0 ? "" : `?${new URLSearchParams({ symbols: symbols.join() })}`;
      const { body } = await ask(`/exchange/markets${query}`);
      const { updated_at, markets }: Unchecked<ExchangeMarketsAnswer> = body;
      const listed = (Array.isArray(markets) ? markets : []).filter((market) => typeof market?.symbol === "string");
      return { updated_at: isInteger(updated_at) ? updated_at : null, markets: listed };
    },
  });
}

/** What checks answers about the truth: loaded with the first of them. */
function truthAnswers() {
  return answered(import("./truthAnswers.ts"));
}

/** Our own abort passes as it is; a time-out or a dead network becomes status 0. */
export async function answered<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    if (signal?.aborted) throw new DOMException("replaced by a newer request", "AbortError");
    const detail = error instanceof Error && error.name === "TimeoutError" ? "The server did not answer in time." : "The server can't be reached.";
    throw new ApiError(0, "unreachable", detail);
  }
}

/** The marks of a page's candles; those of the newest page are also what is missing since. */
function marksOf({ corrected, gaps: triples }: Unchecked<DataAnswer>, candles: readonly Candle[], isNewest: boolean): PageMarks {
  const times = Array.isArray(corrected) ? corrected.filter(isInteger) : [];
  const [first, last] = [candles[0], candles.at(-1)];
  return { fromMs: first?.time ?? Infinity, toMs: isNewest ? Infinity : (last?.time ?? -Infinity), corrected: times, gaps: gapsOf(triples) };
}

function historyOf(body: Unchecked<HistoryAnswer>): HistoryAnswer {
  const { limit, job } = body;
  const isSound = typeof limit === "object" && limit !== null && (job === null || typeof job === "object");
  if (!isSound || ![body.stored_from, body.first].every((ms) => ms === null || isMoment(ms))) {
    throw new ApiError(200, "malformed", "The server's answer was not readable.");
  }
  return body as HistoryAnswer;
}

/** Whether all six columns are there. */
function hasColumns(body: Unchecked<DataAnswer>): body is Unchecked<DataAnswer> & Record<keyof Candle, unknown[]> {
  const { time, open, high, low, close, volume } = body;
  return [time, open, high, low, close, volume].every(Array.isArray);
}

export function refused(response: Response, body: unknown) {
  const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  const retryAfterMs = seconds > 0 ? Math.min(seconds, RETRY_AFTER_MAX_S) * 1000 : null;
  const problem: Unchecked<Problem> = typeof body === "object" && body !== null ? body : {};
  const text = typeof problem.detail === "string" ? problem.detail : problem.title;
  const detail = typeof text === "string" ? text : `The server answered with status ${response.status}.`;
  return new ApiError(response.status, String(problem.code ?? response.status), detail, retryAfterMs, (problem as { readonly current?: unknown }).current ?? null);
}
