// The official candles' way into the page: loads, catches up, pages back, and guards the version.
// Never here: live candles' meaning, drawing, the connection, the DOM.
// Invariant: one load in flight; a version that was heard of and is not held is asked for.

import type { Candle } from "../candles/candle.ts";
import type { History, HistoryChange } from "../candles/history.ts";
import { isInteger, type Interval } from "../candles/interval.ts";
import type { PageMarks } from "../candles/marks.ts";
import type { Series } from "../candles/series.ts";
import { firstHole } from "../candles/whitespace.ts";
import type { Clock } from "../clock.ts";
import type { Api, ApiError, DataPage } from "../net/api.ts";
import { ceiling } from "../net/backoff.ts";
import { candlesFrom, reachesBack, versionOf } from "./dataPages.ts";
import { OfficialEvents, type OfficialEvent } from "./officialEvents.ts";
import { pageBack, type Loaded, type Reached } from "./pageBack.ts";

export type LoadState =
  | { readonly kind: "loading" | "ready" }
  | { readonly kind: "failed"; readonly status?: number | null; readonly detail: string; readonly retryAtMs: number | null };

interface LoaderOptions {
  readonly api: Pick<Api, "data">;
  readonly clock: Clock;
  readonly limit: number;
  readonly onAnswer: (answer: Loaded) => void;
  readonly onChange: () => void;
}

/** Beside candles that come without a snapshot of what is live. */
const NOTHING_LIVE = { live: [], missing: [], serverMs: null } as const;

/** The most candles that one request may ask for, and the most requests of one load. */
const PAGE_MAX = 5_000;
const PAGES_MAX = 40;

/** Candles asked for beyond those held, so that one request mostly does. */
const MARGIN = 100;
/** Candles asked for when the reader scrolls back: first enough for a look, then as many as one answer holds. */
const OLDER_FIRST = 1_000;
/** With so many candles held that a load takes several requests, an event that is late is waited for so long. */
const LATE_MS = 1_000;

/** Loads right after each other when versions keep running ahead; the next ask goes on. */
const ROUNDS_MAX = 3;

/** Pauses after failures in a row: the first, and the longest. */
const RETRY_MS = 1_000;
const RETRY_MAX_MS = 15_000;

/** Answers that asking again does not change. */
const FINAL_STATUS = new Set([400, 401, 403, 404]);

export class Loader {
  readonly #api: Pick<Api, "data">;
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #events: OfficialEvents;
  readonly #onAnswer: LoaderOptions["onAnswer"];
  readonly #onChange: LoaderOptions["onChange"];
  #series!: Series; // since `open`, which comes before all else
  #history!: History;
  #abort = new AbortController();
  #isLoading = false;
  #isAgain = false;
  #isOlder = false;
  #inFlight: Promise<void> = Promise.resolve();
  /** Whether the reader has gone back a page already. */
  #isDeep = false;
  #heard = 0;
  #failures = 0;
  #retry: number | undefined;
  #holeAsked: number | null = null;
  #late: number | undefined;

  /** loading · ready · failed (`status`, `detail`, `retryAtMs` or null when it is of no use). */
  state: LoadState = { kind: "loading" };

  constructor({ api, clock, limit, onAnswer, onChange }: LoaderOptions) {
    this.#api = api;
    this.#clock = clock;
    this.#limit = limit;
    this.#events = new OfficialEvents(limit);
    this.#onAnswer = onAnswer;
    this.#onChange = onChange;
  }

  open(series: Series, history: History) {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#series = series;
    this.#history = history;
    this.#isLoading = this.#isAgain = this.#isOlder = this.#isDeep = false;
    this.#heard = this.#failures = 0;
    this.#holeAsked = null;
    this.#events.clear();
    this.#clock.clearTimeout(this.#late);
    this.state = { kind: "loading" };
    this.refresh();
  }

  /** Compares the server's version with ours; anything else than equal is loaded. */
  compare(version: unknown) {
    const held = this.#history.version;
    if (held === null || !isInteger(version)) return;
    this.#clock.clearTimeout(this.#late);
    if (version === held) return;
    if (version < held || this.#history.rows.length + MARGIN <= PAGE_MAX) this.refresh();
    else this.#late = this.#clock.setTimeout(() => { if ((this.#history.version ?? -1) < version) this.refresh(); }, LATE_MS);
  }

  /** An event about official candles: the change, or null if nothing changes (yet). */
  heard(event: OfficialEvent): HistoryChange | null {
    const held = this.#history.version;
    if (held !== null && event.version <= held) return null;
    this.#heard = Math.max(this.#heard, event.version);
    if (this.#isLoading && this.#events.keep(event)) return null;
    const change = this.#isLoading ? null : this.#events.taken(this.#history, event);
    if (change === null) this.refresh();
    return change;
  }

  /** Older candles than all that are held are stored: the next page brings them. */
  hasOlder() {
    if (this.#history.version !== null) this.#history.pass(this.#history.version, true);
  }

  /** The newest candles, asked for in the socket's place: what came of them, or null if all has to be loaded. */
  take({ candles, version }: DataPage): HistoryChange | null {
    const { version: held, last } = this.#history;
    const joins = candles.length > 0 && last !== null && candles[0]!.time <= last.time;
    if (!this.#isLoading && this.state.kind === "ready" && held !== null && version >= held && joins) return this.#history.apply(candles, version);
    this.refresh();
    return null;
  }

  /** A stretch without any candle before or between the live ones is asked about, once. */
  close(interval: Interval, liveTimes: readonly number[]) {
    const last = this.#history.last;
    const holeMs = last === null ? null : firstHole(interval, last.time, liveTimes);
    if (holeMs === null || holeMs === this.#holeAsked) return;
    this.#holeAsked = holeMs;
    this.refresh();
  }

  /** A retry that is being waited for happens now. */
  hurry() {
    if (this.state.kind === "failed" && !this.#isLoading) this.refresh();
  }

  /** Nothing is asked by itself, until somebody hurries. */
  rest() {
    this.#clock.clearTimeout(this.#retry);
    this.#clock.clearTimeout(this.#late);
  }

  refresh(): Promise<void> {
    if (this.#isLoading) this.#isAgain = true;
    else this.#inFlight = this.#refresh();
    return this.#inFlight;
  }

  async #refresh() {
    this.#clock.clearTimeout(this.#retry);
    this.#isLoading = true;
    const { signal } = this.#abort;
    try {
      for (let round = 0; round < ROUNDS_MAX; round += 1) {
        this.#isAgain = false;
        await this.#load(signal);
        if (!this.#isAgain) break;
      }
    } catch (error) {
      if (!signal.aborted) this.#failed(error);
    } finally {
      if (!signal.aborted) this.#isLoading = false;
    }
  }

  /** Pages back until candles of that time are held, or nothing older is stored, or no more can be had. */
  reach(openMs: number): Promise<Reached> {
    const { signal } = this.#abort;
    const pause = () => new Promise<void>((resolve) => { this.#clock.setTimeout(resolve, RETRY_MS); });
    const ways = { history: this.#history, signal, settled: () => this.#inFlight, older: () => this.older(PAGE_MAX), pause };
    return pageBack(openMs, ways, PAGES_MAX);
  }

  /** One page of older candles, when the reader has scrolled near the first one. */
  older(limit = this.#isDeep ? PAGE_MAX : OLDER_FIRST): Promise<void> {
    const { hasMore, first } = this.#history;
    if (!this.#isOlder && !this.#isLoading && hasMore && first !== null) this.#inFlight = this.#older(limit, first);
    return this.#inFlight;
  }

  async #older(limit: number, first: Candle) {
    const history = this.#history;
    this.#isOlder = true;
    const { signal } = this.#abort;
    const beforeMs = first.time;
    try {
      const answer = await this.#ask({ limit, before: beforeMs, signal });
      if (signal.aborted) return;
      if (answer.version >= (history.version ?? -1) && history.first?.time === beforeMs) {
        if (answer.version > (history.version ?? -1)) this.#events.readOlder(beforeMs, answer.version);
        const change = history.prepend(answer.candles, answer.hasMore);
        this.#isDeep = true;
        this.#onAnswer({ change, ...NOTHING_LIVE, marks: marksOf([answer]) });
      }
    } catch (error) {
      if (signal.aborted) return;
      history.hasMore = statusOf(error) !== 401; // the next scroll tries again
    }
    this.#isOlder = false;
  }

  async #load(signal: AbortSignal) {
    const history = this.#history;
    const heldAtStart = history.version;
    const heldFirstMs = history.first?.time ?? Infinity;
    const limit = Math.min(PAGE_MAX, Math.max(this.#limit, history.rows.length + MARGIN));
    const newest = await this.#ask({ limit, live: true, signal });
    const pages = [newest];
    for (let oldest = newest; pages.length < PAGES_MAX && reachesBack(oldest, heldFirstMs); pages.unshift(oldest)) {
      oldest = await this.#ask({ limit: PAGE_MAX, before: oldest.candles[0]!.time, signal });
    }
    if (signal.aborted) return;
    const version = versionOf(pages);
    // Older than what an event brought meanwhile: ask again. Older than all: Redis was rolled back.
    if (version < (history.version ?? -1) && history.version !== heldAtStart) {
      this.#isAgain = true;
      return;
    }
    const { rows, hasMore } = candlesFrom(history.rows.length < this.#limit ? -Infinity : heldFirstMs, pages);
    const joins = rows.length > 0 && rows[0]!.time <= (history.last?.time ?? -1);
    const isFromFirst = (rows[0]?.time ?? 0) <= heldFirstMs;
    if (heldAtStart === null || !joins || isFromFirst) history.hasMore = hasMore && !history.isFull;
    const change = history.replace(rows, version, joins);
    this.#failures = 0;
    this.state = { kind: "ready" };
    this.#events.readAll(pages);
    this.#onAnswer({ change, live: newest.live, missing: newest.missing, marks: marksOf(pages), serverMs: newest.serverMs });
    for (const later of this.#events.kept(history)) this.#onAnswer({ change: later, ...NOTHING_LIVE, marks: [] });
    if (this.#heard > (history.version ?? version)) this.#isAgain = true;
    this.#heard = 0;
  }

  #ask({ limit, before, live = false, signal }: { limit: number; before?: number; live?: boolean; signal: AbortSignal }): Promise<DataPage> {
    const { symbol, interval } = this.#series;
    return this.#api.data({ symbol, interval: interval.name, limit, before, live, marks: true, signal });
  }

  #failed(error: unknown) {
    this.#failures += 1;
    const pause = ceiling(RETRY_MS, RETRY_MAX_MS, this.#failures);
    const status = statusOf(error);
    const isFinal = status !== undefined && FINAL_STATUS.has(status);
    const delayMs = (error as Partial<ApiError>).retryAfterMs ?? pause;
    if (!isFinal) this.#retry = this.#clock.setTimeout(() => this.refresh(), delayMs);
    const retryAtMs = isFinal ? null : this.#clock.now() + delayMs;
    const detail = error instanceof Error ? error.message : String(error);
    this.state = { kind: "failed", status: status ?? null, detail, retryAtMs };
    this.#onChange();
    if (status === undefined) throw error; // not an answer's fault: a defect, to be seen
  }
}

const marksOf = (pages: readonly DataPage[]): PageMarks[] => pages.flatMap(({ marks }) => marks ?? []);

/** Of the answer that refused; undefined for what is no answer's fault. */
const statusOf = (error: unknown): number | undefined => (error as Partial<ApiError>).status;
