// The official candles that the page holds of one series, and the version they stand at.
// Never here: requests, live candles, drawing.
// Invariant: sorted, one candle per open time; what it returns says exactly what has changed.

import { sameValues, type Candle } from "./candle.ts";

/** More candles than this are not held; the oldest go first. */
export const HELD_MAX = 200_000;

/** What came of taking candles in: a page before the first, single updates, or (`isWhole`) all to be drawn anew. */
export interface HistoryChange {
  readonly prepended: readonly Candle[];
  readonly replaced: Candle[];
  readonly appended: Candle[];
  isWhole: boolean;
}

export class History {
  #rows: Candle[] = [];

  /** Null until the first answer. */
  version: number | null = null;
  hasMore = true;

  get rows(): readonly Candle[] {
    return this.#rows;
  }

  get first() {
    return this.#rows[0] ?? null;
  }

  /** Whether no older candles are taken in any more. */
  get isFull() {
    return this.#rows.length >= HELD_MAX;
  }

  get last() {
    return this.#rows.at(-1) ?? null;
  }

  /**
   * Takes a whole answer: everything from the first of `rows` on is replaced by them; what is held
   * before it stays if it `joins` (no unseen stretch between), else it goes.
   */
  replace(rows: readonly Candle[], version: number, joins: boolean): HistoryChange {
    const sorted = unique(rows);
    const older = joins && sorted.length > 0 ? this.#rows.slice(0, this.#at(sorted[0].time)) : [];
    const before = this.#rows;
    this.#rows = older.concat(sorted).slice(-HELD_MAX);
    this.version = version;
    return difference(before, this.#rows);
  }

  /** Takes the rows that an event brought, the event standing right after our version. */
  apply(rows: readonly Candle[], version: number): HistoryChange {
    const sorted = unique(rows);
    const change: HistoryChange = { prepended: [], replaced: [], appended: [], isWhole: false };
    for (const row of sorted) {
      const at = this.#at(row.time);
      if (at === this.#rows.length) {
        this.#rows.push(row);
        change.appended.push(row);
      } else if (this.#rows[at].time === row.time) {
        if (sameValues(this.#rows[at], row)) continue;
        this.#rows[at] = row;
        change.replaced.push(row);
      } else if (at > 0) {
        this.#rows.splice(at, 0, row);
        change.isWhole = true;
      } else {
        this.hasMore = true; // older than all that is held: paging backwards brings it
      }
    }
    this.version = version;
    this.#trim(change);
    return change;
  }

  /** Puts a page of older candles before the ones held. */
  prepend(rows: readonly Candle[], hasMore: boolean): HistoryChange {
    const first = this.first;
    const older = unique(rows).filter((row) => first === null || row.time < first.time);
    this.#rows = older.concat(this.#rows);
    this.hasMore = hasMore && older.length > 0 && !this.isFull;
    return { prepended: older, replaced: [], appended: [], isWhole: false };
  }

  /** What stands at `version` has changed elsewhere; `hasOlder`: older candles than all that are held are there. */
  pass(version: number, hasOlder: boolean): HistoryChange {
    this.version = version;
    this.hasMore ||= hasOlder && !this.isFull;
    return { prepended: [], replaced: [], appended: [], isWhole: false };
  }

  /** The open times that decide about live candles from `fromMs` on: the first one, and those since. */
  opensFrom(fromMs: number) {
    if (this.#rows.length === 0) return [];
    const start = Math.max(1, Math.min(this.#at(fromMs), this.#rows.length - 1));
    return [this.#rows[0], ...this.#rows.slice(start)].map((row) => row.time);
  }

  #trim(change: HistoryChange) {
    if (this.#rows.length <= HELD_MAX * 1.1) return;
    this.#rows = this.#rows.slice(-HELD_MAX);
    this.hasMore = false;
    change.isWhole = true;
  }

  /** Where `timeMs` is, or would have to be inserted. */
  #at(timeMs: number) {
    let low = 0;
    let high = this.#rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#rows[middle].time < timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Ascending, the last of each open time; answers mostly are that already, and 100,000 rows are dear to sort. */
function unique(rows: readonly Candle[]): readonly Candle[] {
  if (rows.every((row, i) => i === 0 || rows[i - 1]!.time < row.time)) return rows;
  const byTime = new Map(rows.map((row) => [row.time, row]));
  return [...byTime.values()].sort((a, b) => a.time - b.time);
}

/** What it takes to come from one list to the other: updates where times agree, else all anew. */
function difference(before: readonly Candle[], after: readonly Candle[]): HistoryChange {
  const whole: HistoryChange = { prepended: [], replaced: [], appended: [], isWhole: true };
  if (before.length === 0 || after.length < before.length) return whole;
  if (before.some((row, i) => row.time !== after[i].time)) return whole;
  return {
    prepended: [],
    replaced: after.slice(0, before.length).filter((row, i) => !sameValues(row, before[i])),
    appended: after.slice(before.length),
    isWhole: false,
  };
}
