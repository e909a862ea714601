// The way to a date: back by pages of what is stored, then by what is fetched for it, until it is in sight.
// Never here: requests, the DOM, words.
// Invariant: ends by itself, at the date or with the reason why not; another series or aim ends it too.

import { HELD_MAX, type History } from "../candles/history.ts";
import type { Series } from "../candles/series.ts";
import type { HistoryOnDemand } from "./historyOnDemand.ts";

/** Why a jump did not end at its date, and the time that it could not pass. */
export interface JumpEnd {
  readonly kind: "future" | "notStored" | "tooFar" | "limit" | "beforeFirst";
  readonly aimMs: number;
  readonly edgeMs: number;
}

interface JumpParts {
  readonly demand: HistoryOnDemand;
  readonly canAsk: boolean;
  readonly older: () => void;
  readonly reveal: (timeMs: number) => void;
  /** Points at the candle that a reader asked for, so that it is told from all the others in sight. */
  readonly point: (timeMs: number) => void;
  readonly toNow: () => void;
}

/** What a jump looks at. */
export interface JumpView {
  readonly series: Series;
  readonly history: History;
  readonly nowMs: number;
}

export class Jump {
  readonly #parts: JumpParts;
  /** Only as far as candles are stored, and without a word on the way: nothing is fetched. */
  isStoredOnly = false;

  /** Where to; null when nowhere. */
  aimMs: number | null = null;

  /** How the last one ended, if not where it was to. */
  end: JumpEnd | null = null;

  constructor(parts: JumpParts) {
    this.#parts = parts;
  }

  begin(aimMs: number | null, isStoredOnly = false) {
    this.aimMs = aimMs;
    this.end = this.#parts.demand.aimMs = null;
    this.isStoredOnly = isStoredOnly;
  }

  /** The next step, if it is time for one; called often. */
  look({ series: { interval }, history, nowMs }: JumpView) {
    const { first, last } = history;
    if (this.aimMs === null || first === null || last === null || !interval.hasGrid) return;
    const aimMs = interval.openMs(this.aimMs);
    if (aimMs > last.time) return this.#toNow(aimMs, nowMs);
    if (interval.count(aimMs, last.time) >= HELD_MAX) return this.#finish({ kind: "tooFar", aimMs, edgeMs: interval.step(last.time, 1 - HELD_MAX) });
    if (aimMs >= first.time) return this.#arrive(aimMs);
    if (history.hasMore) return this.#parts.older();
    return this.#demand(aimMs, first.time);
  }

  /** What is held is all that is stored. */
  #demand(aimMs: number, edgeMs: number) {
    const { demand, canAsk } = this.#parts;
    const told = demand.state?.told ?? null;
    if (this.isStoredOnly || !canAsk) return this.#finish({ kind: "notStored", aimMs, edgeMs });
    demand.aimMs = aimMs;
    if (told?.stored_from !== edgeMs) return undefined;
    if (told.is_whole) {
      this.#parts.reveal(edgeMs);
      return this.#finish({ kind: "beforeFirst", aimMs, edgeMs });
    }
    return told.limit.is_reached ? this.#finish({ kind: "limit", aimMs, edgeMs }) : undefined;
  }

  #toNow(aimMs: number, nowMs: number) {
    this.#parts.toNow();
    this.#finish(aimMs > nowMs ? { kind: "future", aimMs, edgeMs: nowMs } : null);
  }

  #arrive(aimMs: number) {
    this.#parts.reveal(aimMs);
    if (!this.isStoredOnly) this.#parts.point(aimMs);
    this.#finish(null);
  }

  /** Told is the moment that was asked for, not the candle that it lies in. */
  #finish(end: JumpEnd | null) {
    const aimMs = this.aimMs ?? 0;
    this.begin(null);
    this.end = end && { ...end, aimMs };
  }
}
