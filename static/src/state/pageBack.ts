// The way back to older candles, page after page, and what a load brings.
// Never here: requests themselves (loader.ts), drawing.
// Invariant: it ends: at the candle, at the oldest stored one, where nothing comes for so many tries, or after so many pages.

import type { History, HistoryChange } from "../candles/history.ts";
import type { PageMarks } from "../candles/marks.ts";
import type { MissingSpan } from "../candles/missing.ts";

/** Candles of that time are held; the stored ones begin later; it can't be told. */
export type Reached = "held" | "end" | "stopped";

/** What an answer has changed, and what it says beside the official candles. */
export interface Loaded {
  readonly change: HistoryChange;
  readonly live: readonly unknown[];
  readonly missing: readonly MissingSpan[];
  readonly marks: readonly PageMarks[];
  readonly serverMs: number | null;
}

interface Ways {
  readonly history: History;
  readonly signal: AbortSignal;
  /** What is being loaded now has come. */
  readonly settled: () => Promise<void>;
  /** Loads one page more. */
  readonly older: () => Promise<void>;
  /** Before the same page is asked for again. */
  readonly pause: () => Promise<void>;
}

/** A page may be lost to another load, to a newer version, or to a server that is busy for a moment. */
const TRIES_MAX = 4;

/** Pages back until candles of that time are held, or nothing older is stored, or no more can be had. */
export async function pageBack(openMs: number, { history, signal, settled, older, pause }: Ways, most: number): Promise<Reached> {
  for (let page = 0, tries = 0; page < most && history.hasMore && openMs < (history.first?.time ?? openMs); page += 1) {
    await settled();
    const before = history.first;
    await older();
    tries = history.first === before ? tries + 1 : 0;
    if (signal.aborted || tries === TRIES_MAX) break;
    if (tries > 0) await pause();
  }
  if (history.first !== null && history.first.time <= openMs) return "held";
  return history.hasMore ? "stopped" : "end";
}
