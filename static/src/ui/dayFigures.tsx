// The last 24 hours in the bar: change beside the price, high, low and turnover where there is room.
// Never here: where they come from (state/tickers.ts), the words' making (marketWords.ts).
// Invariant: they are those of the market that the bar names; nothing stands there while they are not known.

import { useComputed } from "@preact/signals";
import type { JSX } from "preact";
import { dayChange, dayFigures } from "./marketWords.ts";
import type { Page } from "./page.ts";

interface DayProps {
  readonly page: Page;
  readonly symbol: string;
  /** The last price as it trades here; null where none is known. */
  readonly price: number | null;
  readonly precision: number;
}

export function DayChange({ page, symbol, price }: Omit<DayProps, "precision">): JSX.Element | null {
  const row = useRow(page, symbol);
  if (row === null) return null;
  const { change, direction } = dayChange(row, price);
  return <span id="market-change" class="figures" data-direction={direction ?? undefined} title="Change of the last 24 hours">{change}</span>;
}

export function DayFigures({ page, symbol, price, precision }: DayProps): JSX.Element | null {
  const row = useRow(page, symbol);
  if (row === null || row.high === null || row.low === null) return null;
  const { high, low, turnover } = dayFigures(row, price, precision);
  return (
    <dl id="day" class="day figures" aria-label="Last 24 hours">
      <div><dt>24 h high</dt><dd data-day="high">{high}</dd></div>
      <div><dt>24 h low</dt><dd data-day="low">{low}</dd></div>
      <div class="day-turnover"><dt>24 h volume</dt><dd data-day="turnover">{turnover}</dd></div>
    </dl>
  );
}

function useRow({ tickers }: Page, symbol: string) {
  const rows = tickers.rows;
  return useComputed(() => rows.value).value.get(symbol) ?? null;
}
