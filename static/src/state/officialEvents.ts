// Events about official candles: which of them can be taken in as they are, and which ask for a load.
// Never here: requests, live candles, drawing.
// Invariant: what is taken in stands right after the version held, so that no change is ever skipped.

import type { History, HistoryChange } from "../candles/history.ts";
import type { DataPage } from "../net/api.ts";
import type { DataUpdated } from "../net/socket.ts";

/** What an event says of official candles. */
export type OfficialEvent = Pick<DataUpdated, "version" | "previous" | "rows" | "fromMs" | "toMs">;

/** Events kept while a load is on its way. */
const WAITING_MAX = 200;

export class OfficialEvents {
  readonly #limit: number;
  /** Of events that came while a load was on its way; those that its answer does not know are taken in after it. */
  #waiting: OfficialEvent[] = [];
  /** What is held before these open times was read at versions that are ahead of the whole's. */
  #ahead: { readonly beforeMs: number; readonly version: number }[] = [];

  /** `limit`: with fewer candles held, older ones are loaded with the newest. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  clear() {
    this.#waiting = [];
    this.#ahead = [];
  }

  /** For later, while a load is on its way; false if there is no room. */
  keep(event: OfficialEvent): boolean {
    if (this.#waiting.length >= WAITING_MAX) return false;
    this.#waiting.push(event);
    return true;
  }

  /** The candles before that open time have been read at that version, the others earlier. */
  readOlder(beforeMs: number, version: number) {
    this.#ahead.push({ beforeMs, version });
  }

  /** All candles have been read, page by page; these are ascending, and the newest one was read first. */
  readAll(pages: readonly DataPage[]) {
    this.#ahead = pages.slice(0, -1).map((page, i) => ({ beforeMs: pages[i + 1]!.candles[0]!.time, version: page.version }));
  }

  /** What was kept, as changes in turn; ends where a load is due. */
  *kept(history: History): Generator<HistoryChange> {
    for (const event of this.#waiting.splice(0)) {
      if (event.version <= (history.version ?? -1)) continue;
      const change = this.taken(history, event);
      if (change === null) return;
      yield change;
    }
  }

  /** What an event changes that stands right after our version; null where only a load can tell. */
  taken(history: History, { version, previous, rows, fromMs, toMs }: OfficialEvent): HistoryChange | null {
    const { first } = history;
    if (previous !== history.version || history.version === null) return null;
    if (rows !== null) return history.apply(rows, version);
    if (fromMs === null || toMs === null || first === null) return null;
    const isOlder = toMs < first.time && history.rows.length >= this.#limit;
    this.#ahead = this.#ahead.filter((page) => page.version >= version);
    const isRead = this.#ahead.some(({ beforeMs }) => toMs < beforeMs);
    return isOlder || isRead ? history.pass(version, fromMs < first.time) : null;
  }
}
