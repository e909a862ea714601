// The attribution that the chart library's licence asks for.
// Never here: anything else.
// Invariant: it is a link that can be seen and read in every width.

import type { JSX } from "preact";

export function Credit(): JSX.Element {
  return (
    <a class="credit" href="https://www.tradingview.com/" rel="noopener noreferrer" target="_blank">
      TradingView Lightweight Charts™ © 2025 TradingView, Inc.
    </a>
  );
}
