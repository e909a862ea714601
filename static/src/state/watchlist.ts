// The watchlist: favourites and followed markets, with their last prices as they trade.
// Never here: their last 24 hours (tickers.ts), rows' drawing, which markets are favourites.
// Invariant: prices are shown at most four times a second, all of one moment together; nothing is heard while it is shut.

import { signal } from "@preact/signals-core";
import type { Clock } from "../clock.ts";
import type { WatchAnswer } from "../net/socket.ts";

/** The least time between two pictures of the list. */
const PAUSE_MS = 250;

/** As many as one message may name. */
const WATCHED_MAX = 200;

/** Nobody answered a `watch`: asked again after that. */
const RETRY_MS = 5_000;

/** The last price of a market, and which way the one before it was left. */
export interface WatchedPrice {
  readonly price: number;
  readonly direction: "up" | "down" | null;
}

/** Says which markets' prices are wanted. */
export type Watch = (symbols: readonly string[]) => Promise<WatchAnswer>;

export class Watchlist {
  readonly prices = signal<ReadonlyMap<string, WatchedPrice>>(new Map());
  readonly #clock: Pick<Clock, "setTimeout" | "clearTimeout">;
  readonly #heard = new Map<string, number>();
  #watch: Watch | null = null;
  #isUp = false;
  #symbols: readonly string[] = [];
  #asked = 0;
  #pause: number | undefined;
  #retry: number | undefined;

  constructor(clock: Pick<Clock, "setTimeout" | "clearTimeout">) {
    this.#clock = clock;
  }

  start(watch: Watch) {
    this.#watch = watch;
  }

  /** These are in sight: none while the list is shut. */
  show(symbols: readonly string[]) {
    const next = symbols.slice(0, WATCHED_MAX);
    if (next.join() === this.#symbols.join()) return;
    this.#symbols = next;
    void this.#ask();
  }

  /** There is a connection, which knows nothing yet of what is watched. */
  up() {
    this.#isUp = true;
    if (this.#symbols.length > 0) void this.#ask();
  }

  down() {
    this.#isUp = false;
    this.#clock.clearTimeout(this.#retry);
  }

  /** A `live_price`, of whichever market. */
  heard({ symbol, price }: { readonly symbol?: unknown; readonly price?: unknown }) {
    if (typeof symbol !== "string" || typeof price !== "number" || !(price > 0) || !this.#symbols.includes(symbol)) return;
    this.#heard.set(symbol, price);
    this.#pause ??= this.#clock.setTimeout(() => {
      this.#pause = undefined;
      this.#draw();
    }, PAUSE_MS);
  }

  async #ask() {
    this.#clock.clearTimeout(this.#retry);
    if (!this.#isUp || this.#watch === null) return;
    this.#asked += 1;
    const asked = this.#asked;
    const answer = await this.#watch(this.#symbols).catch(() => null);
    if (asked !== this.#asked) return;
    if (answer === null || !answer.ok) {
      this.#retry = this.#clock.setTimeout(() => void this.#ask(), RETRY_MS);
      return;
    }
    for (const [symbol, price] of Object.entries(answer.prices)) this.heard({ symbol, price });
  }

  #draw() {
    const prices = new Map(this.prices.peek());
    for (const [symbol, price] of this.#heard) prices.set(symbol, moved(prices.get(symbol), price));
    this.#heard.clear();
    this.prices.value = prices;
  }
}

/** Which way the price went last; nowhere yet at the first one. */
export function moved(before: WatchedPrice | undefined, price: number): WatchedPrice {
  if (before === undefined) return { price, direction: null };
  if (price === before.price) return before;
  return { price, direction: price > before.price ? "up" : "down" };
}
