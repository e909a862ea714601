// What the session draws with and says its state by: the chart's and the page's side of it.
// Never here: the session, what either does with it.
// Invariant: types only.

import type { Candle, CandleInState } from "../candles/candle.ts";
import type { HistoryChange } from "../candles/history.ts";
import type { Marks } from "../candles/marks.ts";
import type { Series } from "../candles/series.ts";
import type { EdgeChart } from "./historyEdge.ts";
import type { ViewModel } from "./viewModel.ts";

/** What the session draws with (`chart/chart.ts`). */
export interface SessionChart extends EdgeChart {
  readonly precision: number;
  onNeedOlder(callback: () => void): void;
  begin(series: Series): void;
  learn(series: Series): void;
  setHistory(rows: readonly Candle[], live: readonly CandleInState[]): void;
  change(change: HistoryChange, rows: readonly Candle[], live: readonly CandleInState[]): void;
  setTail(live: readonly CandleInState[]): void;
  mark(marks: Marks): void;
}

/** What the session says its state by (`state/pageState.ts`). */
export interface SessionPage {
  render(view: ViewModel, precision: number): void;
  onClosed(row: Candle): void;
}
