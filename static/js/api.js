// The REST answers that the page needs, as checked values; refusals become one kind of error.
// Never here: what to do about an error, retries, the DOM.
// Invariant: an answer that resolves holds sound candles, ascending, times in ms.

import { officialFromColumns } from "./candles/candle.js";
import { spans } from "./candles/missing.js";

/** No request is waited for longer than this. */
const TIMEOUT_MS = 10_000;

/** Retry-After beyond this is not believed. */
const RETRY_AFTER_MAX_S = 3_600;

/** A refusal: HTTP status (0: no answer came), code and detail for people. */
export class ApiError extends Error {
  constructor(status, code, detail, retryAfterMs = null) {
    super(detail);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** `fetch` and the CSRF token come in; what comes out are the calls the page makes. */
export function createApi({ fetch, csrfToken }) {
  async function ask(url, options = {}) {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
    const headers = { Accept: "application/json", ...options.headers };
    const response = await answered(fetch(url, { ...options, headers, signal, credentials: "same-origin" }), options.signal);
    const body = await answered(response.json(), options.signal).catch((error) => {
      if (error.name === "AbortError") throw error;
      return null;
    });
    if (!response.ok) throw refused(response, body);
    if (body === null || typeof body !== "object") {
      throw new ApiError(response.status, "malformed", "The server's answer was not readable.");
    }
    return { body, serverMs: Date.parse(response.headers.get("Date") ?? "") || null };
  }

  return Object.freeze({
    /** Official candles and version; with `live` also what is pending, forming and proven missing, of one snapshot. */
    async data({ symbol, interval, limit, before = null, live = false, signal }) {
      const query = new URLSearchParams({ symbol, interval, limit: String(limit), time: "ms" });
      if (before !== null) query.set("before", String(before));
      if (live) query.set("live", "1");
      const { body, serverMs } = await ask(`/data?${query}`, { signal });
      const { time, open, high, low, close, volume } = body;
      if (![time, open, high, low, close, volume].every(Array.isArray) || !Number.isInteger(body.version)) {
        throw new ApiError(200, "malformed", "The server's answer was not readable.");
      }
      const candles = officialFromColumns(body);
      const hasMore = typeof body.has_more === "boolean" ? body.has_more : time.length === limit;
      return { version: body.version, candles, live: Array.isArray(body.live) ? body.live : [], missing: spans(body.missing), hasMore, serverMs };
    },

    /** Offers our forming candle. `{status: "saved"}` or `{status: "ignored", reason}`. */
    async save({ symbol, interval, candle }) {
      const { body } = await ask("/save-live-candle", {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken },
        body: JSON.stringify({ symbol, interval, candle }),
      });
      return body;
    },

    /** The followed markets: `{symbol, status, tickSize, …}`, in the order they were added. */
    async markets() {
      const { body } = await ask("/markets");
      return (Array.isArray(body.markets) ? body.markets : []).filter((market) => typeof market?.symbol === "string");
    },

    /** Follows one market more; resolves with it, or rejects with what the exchange or the server says. */
    async follow(symbol) {
      const { body } = await ask("/markets", {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken },
        body: JSON.stringify({ symbol }),
      });
      return body;
    },

    /** Signs in with the token of a one-time link. */
    async redeem(link) {
      const headers = { "Content-Type": "application/json", "X-CSRFToken": csrfToken };
      const response = await answered(fetch("/login/link", { method: "POST", headers, body: JSON.stringify({ link }) }));
      if (!response.ok) throw refused(response, null);
    },
  });
}

/** Our own abort passes as it is; a time-out or a dead network becomes status 0. */
async function answered(promise, signal) {
  try {
    return await promise;
  } catch (error) {
    if (signal?.aborted) throw new DOMException("replaced by a newer request", "AbortError");
    const detail = error.name === "TimeoutError" ? "The server did not answer in time." : "The server can't be reached.";
    throw new ApiError(0, "unreachable", detail);
  }
}

function refused(response, body) {
  const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  const retryAfterMs = seconds > 0 ? Math.min(seconds, RETRY_AFTER_MAX_S) * 1000 : null;
  const text = typeof body?.detail === "string" ? body.detail : body?.title;
  const detail = typeof text === "string" ? text : `The server answered with status ${response.status}.`;
  return new ApiError(response.status, body?.code ?? String(response.status), detail, retryAfterMs);
}
