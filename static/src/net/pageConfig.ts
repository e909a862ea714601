// What the server tells the page with its HTML.
// Never here: values, checks; what REST answers (protocol.ts).
// Invariant: a real page's own is of its type (tests/e2e/test_protocol.py).

import type { ListedMarket, Market, UserSettings } from "./protocol.ts";

/** What a user may do, each more than the one before it. */
export type UserRole = "viewer" | "trader" | "admin";

export interface PageConfig {
  readonly symbols: readonly string[];
  readonly markets: readonly MarketInPage[];
  readonly intervals: readonly string[];
  readonly symbol: string;
  readonly interval: string;
  readonly simulated: boolean;
  readonly signed_in: boolean;
  readonly user: string | null;
  readonly role: UserRole | null;
  readonly limit: number;
  /** null where nobody is signed in, or the store does not answer. */
  readonly settings: UserSettings | null;
  /** The markets that the one who is signed in has drawn on. */
  readonly drawn: readonly string[];
  /** The shown market's row of the exchange's list; null while there is none. */
  readonly ticker: ListedMarket | null;
}

/** A market whose steps with a fraction are the exchange's own decimal text. */
export type MarketInPage = Omit<Market, "tick_size" | "step_size"> & {
  readonly tick_size: string | number | null;
  readonly step_size: string | number | null;
};
