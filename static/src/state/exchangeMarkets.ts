// The exchange's whole list of markets, as it is asked for while somebody searches.
// Never here: which of them a text means (marketRanking.ts), markets' figures outside of a search (tickers.ts).
// Invariant: asked for only while it is looked at, and not twice within 20 s; an answer that fails leaves the list as it is.

import { signal } from "@preact/signals-core";
import type { Clock } from "../clock.ts";
import type { Api } from "../net/api.ts";
import type { ListedMarket } from "../net/protocol.ts";

/** The server reads its list about as often. */
const PAUSE_MS = 20_000;

export class ExchangeMarkets {
  /** The list; null before the first answer. */
  readonly list = signal<readonly ListedMarket[] | null>(null);

  /** Why it could not be read the last time; "" if it could. */
  readonly problem = signal("");

  readonly #api: Pick<Api, "exchangeMarkets">;
  readonly #clock: Pick<Clock, "now" | "setTimeout" | "clearTimeout">;
  #askedMs = -Infinity;
  #isAsking = false;
  #isOpen = false;
  #timer: number | undefined;

  constructor(api: Pick<Api, "exchangeMarkets">, clock: Pick<Clock, "now" | "setTimeout" | "clearTimeout">) {
    this.#api = api;
    this.#clock = clock;
  }

  /** Somebody looks at the list, until `close`. */
  open() {
    this.#isOpen = true;
    this.#look();
  }

  close() {
    this.#isOpen = false;
    this.#clock.clearTimeout(this.#timer);
  }

  /** Asks now, though the last answer was none. */
  retry() {
    this.#askedMs = -Infinity;
    this.#look();
  }

  #look() {
    this.#clock.clearTimeout(this.#timer);
    if (!this.#isOpen || this.#isAsking) return;
    const waitMs = this.#askedMs + PAUSE_MS - this.#clock.now();
    if (waitMs > 0) this.#timer = this.#clock.setTimeout(() => this.#look(), waitMs);
    else void this.#ask();
  }

  async #ask() {
    this.#isAsking = true;
    this.#askedMs = this.#clock.now();
    try {
      const { markets } = await this.#api.exchangeMarkets([]);
      this.list.value = markets;
      this.problem.value = "";
    } catch (error) {
      this.problem.value = error instanceof Error ? error.message : String(error);
    }
    this.#isAsking = false;
    this.#look();
  }
}
