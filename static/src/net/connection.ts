// The way to the server, one for all charts of the page: connects, backs off, and tells who follows a series over it.
// Never here: candles, versions' meaning, what is said on the way (subscription.ts), words for people, the DOM.
// Invariant: one socket, and one try at a time to connect it, however many follow something over it.

import type { Series } from "../candles/series.ts";
import type { Clock } from "../clock.ts";
import { ceiling } from "./backoff.ts";
import type { EventSocket, SubscribeAnswer } from "./socket.ts";

/** connecting · up · refused (connected, asking again) · away (down, trying again) · out (signed out). */
export type ConnectionKind = "connecting" | "up" | "refused" | "away" | "out";

export interface ConnectionState {
  readonly kind: ConnectionKind;
  readonly sinceMs: number;
  readonly retryAtMs: number | null;
}

/** Why there is no connection: `away` is tried again then, `out` needs a sign-in. */
export type Loss = { readonly kind: "away"; readonly retryAtMs: number } | { readonly kind: "out"; readonly retryAtMs: null };

/** Who follows a series over the connection. */
export interface Follower {
  /** What is followed now; null: nothing. */
  readonly series: Series | null;
  up(): void;
  lost(loss: Loss): void;
}

/** The first try comes soon, the next after pauses that double; the last one repeats for as long as it takes. */
const SOON_MS = 300;
const RETRY_MS = 1_000;
const RETRY_MAX_MS = 5_000;

/** The pause after so many tries in a row. */
export function pauseMs(tries: number, random: () => number): number {
  const pause = tries === 0 ? SOON_MS : ceiling(RETRY_MS, RETRY_MAX_MS, tries);
  return Math.round(pause * (0.75 + 0.25 * random()));
}

export class Connection {
  readonly #clock: Clock;
  readonly #followers = new Set<Follower>();
  #socket: EventSocket | null = null;
  #tries = 0;
  #retry: number | undefined;

  /** Whether messages can be sent. */
  isConnected = false;

  /** Why nothing can be sent; null while it can, and before the first try has ended. */
  loss: Loss | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(socket: EventSocket) {
    this.#socket = socket;
    socket.connect();
  }

  join(follower: Follower) {
    this.#followers.add(follower);
  }

  /** After sleep, a change of network or a return to the tab: connects now. */
  wake() {
    if (!this.isConnected) this.#connect();
  }

  up() {
    this.isConnected = true;
    this.loss = null;
    this.#clock.clearTimeout(this.#retry);
    for (const follower of this.#followers) follower.up();
  }

  down({ isRefused }: { readonly isRefused: boolean }) {
    this.isConnected = false;
    this.#clock.clearTimeout(this.#retry);
    const loss = (this.loss = isRefused ? { kind: "out", retryAtMs: null } as const : this.#retryLater());
    for (const follower of this.#followers) follower.lost(loss);
  }

  /** A message was not answered: the connection is dead, whatever TCP says. */
  drop() {
    this.#socket?.disconnect();
    if (this.isConnected) this.down({ isRefused: false });
  }

  /** The server has granted something over this connection: it is worth its name. */
  granted() {
    this.#tries = 0;
  }

  async subscribe(series: Series): Promise<SubscribeAnswer | null> {
    return this.#socket === null ? null : this.#socket.subscribe(series).catch(() => null);
  }

  /** Nobody who still follows that series misses anything. */
  release(series: Series) {
    const isFollowed = [...this.#followers].some((follower) => follower.series?.name === series.name);
    if (this.isConnected && !isFollowed) this.#socket?.unsubscribe(series);
  }

  #retryLater(): Loss {
    const delayMs = pauseMs(this.#tries, this.#clock.random);
    this.#tries += 1;
    this.#retry = this.#clock.setTimeout(() => this.#connect(), delayMs);
    return { kind: "away", retryAtMs: this.#clock.now() + delayMs };
  }

  #connect() {
    this.#clock.clearTimeout(this.#retry);
    this.#socket?.connect();
  }
}
