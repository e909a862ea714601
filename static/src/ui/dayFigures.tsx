// The last 24 hours in the bar: change beside the price, high, low and turnover where there is room.
// Never here: where they come from (state/tickers.ts), the words' making (marketWords.ts).
// Invariant: they are those of the market that the bar names; while they are not known their places are kept.

import type { JSX } from "preact";
import type { ListedMarket } from "../net/protocol.ts";
import { UNKNOWN, dayChange, dayFigures } from "./marketWords.ts";
import type { Page } from "./page.ts";

interface DayProps {
  readonly page: Page;
  readonly symbol: string;
  /** The last price as it trades here; null where none is known. */
  readonly price: number | null;
  readonly precision: number;
}

/** While they are not known their places are kept. */
const SOON = { high: UNKNOWN, low: UNKNOWN, turnover: UNKNOWN };

export function DayChange({ page, symbol, price }: Omit<DayProps, "precision">): JSX.Element | null {
  const row = useRow(page, symbol);
  if (row === null) return null;
  if (row === undefined) return <span id="market-change"><span class="figure-soon" aria-hidden="true" /></span>;
  const { change, direction } = dayChange(row, price);
  return <span id="market-change" class="figures" data-direction={direction ?? undefined} title="Change of the last 24 hours">{change}</span>;
}

export function DayFigures({ page, symbol, price, precision }: DayProps): JSX.Element | null {
  const row = useRow(page, symbol);
  if (row === null) return null;
  const { high, low, turnover } = row === undefined ? SOON : dayFigures(row, price, precision);
  return (
    <dl id="day" class="day figures" aria-label="Last 24 hours">
      <div><dt>24 h high</dt><dd data-day="high">{high}</dd></div>
      <div><dt>24 h low</dt><dd data-day="low">{low}</dd></div>
      <div class="day-turnover"><dt>24 h volume</dt><dd data-day="turnover">{turnover}</dd></div>
    </dl>
  );
}

/** Undefined while it is not known yet, null if the exchange does not list the market. */
function useRow({ tickers }: Page, symbol: string): ListedMarket | null | undefined {
  return tickers.rows.value.get(symbol);
}
