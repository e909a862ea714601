// Older candles than those stored: wished for while a reader stays near the first one, and no longer.
// Never here: candles, the chart, words; fetching, which is the server's.
// Invariant: one request in flight; nobody near the edge and no aim: no request at all.

import type { Series } from "../candles/series.ts";
import type { Clock } from "../clock.ts";
import type { Api, ApiError } from "../net/api.ts";
import type { HistoryAnswer } from "../net/protocol.ts";

/** Where the reader is: `left` bars lie before the view, which is `width` bars wide. */
export interface Edge {
  readonly firstMs: number;
  /** Whether the server has older candles stored than those held. */
  readonly hasMore: boolean;
  /** Whether the page holds no more than it has. */
  readonly isFull: boolean;
  readonly left: number;
  readonly width: number;
}

/** What is known of older candles while somebody is near them; times in exchange ms, `retryAtMs` by the page's clock. */
export interface OlderState {
  readonly told: HistoryAnswer | null;
  readonly isFull: boolean;
  readonly isStopped: boolean;
  readonly canAsk: boolean;
  readonly failure: { readonly detail: string; readonly retryAtMs: number } | null;
}

interface HistoryOnDemandOptions {
  readonly api: Pick<Api, "history" | "wish">;
  readonly clock: Clock;
  /** Signed in: a reader without an account looks on, and keeps nothing alive. */
  readonly canAsk: boolean;
  /** The server says from when on candles are stored. */
  readonly onStored: (fromMs: number) => void;
}

/** A wish lapses after 15 s at the server: it is renewed a few times within. */
export const RENEW_MS = 2_500;

/** How often is asked what does not depend on us. */
export const LOOK_MS = 10_000;

/** Candles wished for at least, and views of the chart. */
export const WISH_LEAST = 5_000;
const WISH_VIEWS = 1.5;

/** Nearer to the first candle than half a view, or than so many bars. */
const NEAR_BARS = 60;

/** Whoever is further than so many views from where the edge was has left. */
const STAY_VIEWS = 2;

export class HistoryOnDemand {
  readonly #api: HistoryOnDemandOptions["api"];
  readonly #clock: Clock;
  readonly #canAsk: boolean;
  readonly #onStored: HistoryOnDemandOptions["onStored"];
  #series: Series | null = null;
  #abort = new AbortController();
  #told: HistoryAnswer | null = null;
  #failure: OlderState["failure"] = null;
  #isAsking = false;
  #isStopped = false;
  #isFull = false;
  #isWaiting = false;
  /** The reader has just come or said so: what is wished for follows on the first answer at once. */
  #isFresh = true;
  #nextMs = 0;
  /** The first candle held when the reader was last near it. */
  #edgeMs = 0;

  /** A time further back that the reader wants to go to; null for none. */
  aimMs: number | null = null;

  constructor({ api, clock, canAsk, onStored }: HistoryOnDemandOptions) {
    this.#api = api;
    this.#clock = clock;
    this.#canAsk = canAsk;
    this.#onStored = onStored;
  }

  /** Null while nobody is near. */
  get state(): OlderState | null {
    if (!this.#isWaiting) return null;
    return { told: this.#told, isFull: this.#isFull, isStopped: this.#isStopped, canAsk: this.#canAsk, failure: this.#failure };
  }

  /** The market's first candle, once it is known to be stored. */
  get startMs(): number | null {
    return this.#told?.is_whole === true ? this.#told.first : null;
  }

  open(series: Series) {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#series = series;
    this.#told = this.#failure = this.aimMs = null;
    this.#isAsking = this.#isStopped = this.#isWaiting = this.#isFull = false;
    this.#isFresh = true;
    this.#nextMs = 0;
  }

  /** The same series, its grid now known. */
  learn(series: Series) {
    this.#series = series;
  }

  /** No more is asked for until the reader says so; what was asked for lapses. */
  stop() {
    this.#isStopped = true;
    this.aimMs = null;
  }

  /** What was stopped goes on, what failed is tried again now. */
  goOn() {
    this.#isStopped = false;
    this.#isFresh = true;
    this.#failure = null;
    this.#nextMs = 0;
  }

  /** Looks whether something is to be asked; called often. */
  look(edge: Edge | null) {
    this.#isFull = edge?.isFull === true;
    const isWanted = edge !== null && this.#isWanted(edge);
    if (!isWanted && this.#isWaiting) this.#leave();
    this.#isWaiting = isWanted;
    if (!isWanted || this.#isAsking || this.#clock.now() < this.#nextMs) return;
    if (this.#isFull || this.startMs !== null) return;
    void this.#ask(this.#wish(edge));
  }

  /** Near the edge, on the way to an aim, or still about where the edge was when older candles were wished for. */
  #isWanted({ firstMs, hasMore, left, width }: Edge): boolean {
    if (this.aimMs !== null && this.aimMs < firstMs) return true;
    if (!hasMore && left < Math.max(NEAR_BARS, width / 2)) {
      this.#edgeMs = firstMs;
      return true;
    }
    if (!this.#isWaiting || this.#told?.job == null) return false;
    const { interval } = this.#series!;
    const come = interval.hasGrid ? interval.count(firstMs, this.#edgeMs) : 0;
    return left - come < Math.max(NEAR_BARS, STAY_VIEWS * width);
  }

  /** From when on candles are to be fetched; null: nothing is wished for now. */
  #wish({ firstMs, hasMore, width }: Edge): number | null {
    const storedMs = this.#told?.stored_from ?? null;
    if (!this.#canAsk || this.#isStopped || this.#told === null || storedMs === null) return null;
    if (this.#told.is_whole || this.#told.limit.is_reached) return null;
    const { job } = this.#told;
    if (this.aimMs !== null) {
      const aimMs = this.#back(this.aimMs, width);
      return this.aimMs < storedMs && (job === null || job.from > aimMs) ? aimMs : null;
    }
    if (job !== null || hasMore || storedMs < firstMs) return null;
    return this.#back(storedMs, this.#reach(width));
  }

  #reach(width: number) {
    return Math.max(WISH_LEAST, Math.ceil(WISH_VIEWS * width));
  }

  #back(ms: number, candles: number) {
    const { interval } = this.#series!;
    return interval.hasGrid ? Math.max(0, interval.step(interval.openMs(ms), -Math.ceil(candles))) : 0;
  }

  async #ask(fromMs: number | null) {
    const { symbol, interval } = this.#series!;
    const { signal } = this.#abort;
    const query = { symbol, interval: interval.name, signal };
    this.#isAsking = true;
    try {
      const told = await (fromMs === null ? this.#api.history(query) : this.#api.wish({ ...query, fromMs }));
      if (signal.aborted) return;
      this.#learn(told, fromMs);
    } catch (error) {
      if (signal.aborted) return;
      this.#fail(error);
    } finally {
      if (!signal.aborted) this.#isAsking = false;
    }
  }

  #learn(told: HistoryAnswer, fromMs: number | null) {
    const isFresh = this.#isFresh;
    this.#isFresh = false;
    this.#told = told;
    this.#failure = null;
    const mayWish = this.#canAsk && !this.#isStopped && !told.limit.is_reached && !told.is_whole;
    const pauseMs = told.job !== null || mayWish ? RENEW_MS : LOOK_MS;
    this.#nextMs = this.#clock.now() + (isFresh && mayWish && fromMs === null ? 0 : pauseMs);
    if (told.stored_from !== null) this.#onStored(told.stored_from);
  }

  #fail(error: unknown) {
    const { status, retryAfterMs } = error as Partial<ApiError>;
    const pauseMs = Math.max(RENEW_MS, retryAfterMs ?? LOOK_MS);
    this.#nextMs = this.#clock.now() + pauseMs;
    this.#failure = { detail: error instanceof Error ? error.message : String(error), retryAtMs: this.#nextMs };
    if (status === undefined) throw error; // not an answer's fault: a defect, to be seen
  }

  /** What was known may have changed by the time somebody comes back; the market's first candle has not. */
  #leave() {
    if (this.startMs === null) this.#told = null;
    this.#isFresh = true;
    this.#failure = null;
    this.#nextMs = this.#clock.now() + RENEW_MS / 10;
  }
}
