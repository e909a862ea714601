// Histories of series that were left a moment ago, so that who comes back sees them at once.
// Never here: whether they still stand: the loader compares versions before it trusts them.
// Invariant: bounded in number, size and age.

import type { History } from "../candles/history.ts";

const KEPT_MAX = 8;
const ROWS_MAX = 20_000;
const AGE_MS = 90_000;

export class RecentHistories {
  readonly #kept = new Map<string, { readonly history: History; readonly leftMs: number }>();

  /** The history of a series that is left now; there is none before the first. */
  keep(name: string | undefined, history: History, nowMs: number) {
    if (name === undefined) return;
    this.#kept.delete(name);
    if (history.version === null || history.rows.length > ROWS_MAX) return;
    this.#kept.set(name, { history, leftMs: nowMs });
    for (const [oldest] of [...this.#kept].slice(0, -KEPT_MAX)) this.#kept.delete(oldest);
  }

  /** The history of a series that was left a moment ago; it is handed out once. */
  take(name: string, nowMs: number): History | null {
    const found = this.#kept.get(name);
    this.#kept.delete(name);
    return found !== undefined && nowMs - found.leftMs <= AGE_MS ? found.history : null;
  }
}
