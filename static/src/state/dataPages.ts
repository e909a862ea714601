// One load's pages of official candles, ascending: what they say together.
// Never here: asking for them, what is held.
// Invariant: the newest page was read first; together they stand at the lowest of their versions.

import type { Candle } from "../candles/candle.ts";
import type { DataPage } from "../net/api.ts";

/** Whether candles are held before this page, and the page before it has some. */
export function reachesBack(page: DataPage, heldFirstMs: number) {
  return page.candles.length > 0 && page.hasMore && page.candles[0]!.time > heldFirstMs && heldFirstMs !== Infinity;
}

/** What a change later than this version is not in. */
export function versionOf(pages: readonly DataPage[]): number {
  return Math.min(...pages.map((page) => page.version));
}

/** Their candles from then on; all of them, if those are none. `hasMore`: whether older ones are stored. */
export function candlesFrom(fromMs: number, pages: readonly DataPage[]): { readonly rows: readonly Candle[]; readonly hasMore: boolean } {
  const all = pages.flatMap((page) => page.candles);
  const first = all.findIndex(({ time }) => time >= fromMs);
  return { rows: first > 0 ? all.slice(first) : all, hasMore: first > 0 || pages[0]!.hasMore };
}
