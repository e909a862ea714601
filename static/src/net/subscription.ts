// One series followed over the connection: subscribes, asks again, and says since when it is how.
// Never here: connecting (connection.ts), candles, versions' meaning, words for people, the DOM.
// Invariant: "up" means that the server acknowledged the subscription of the series now followed.

import type { Series } from "../candles/series.ts";
import type { Clock } from "../clock.ts";
import { pauseMs, type Connection, type ConnectionKind, type ConnectionState, type Follower, type Loss } from "./connection.ts";
import type { SubscribeAnswer } from "./socket.ts";

/** Our own clock's times, in ms. */
export interface RoundTrip {
  readonly sentMs: number;
  readonly receivedMs: number;
}

export type GrantedAnswer = Extract<SubscribeAnswer, { ok: true }>;

interface SubscriptionOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly onAck: (ack: GrantedAnswer, times: RoundTrip) => void;
  readonly onChange: () => void;
}

/** How often the subscription is asked again: a quiet pub/sub is found out this way. */
export const ASK_EVERY_MS = 15_000;

export class Subscription implements Follower {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #onAck: SubscriptionOptions["onAck"];
  readonly #onChange: () => void;
  #tries = 0;
  #ask: number | undefined;
  #asked = 0;
  #isAsking = false;
  #detail = "";

  series: Series | null = null;

  /** When the server last acknowledged the subscription; null before. */
  ackedMs: number | null = null;

  state: ConnectionState;

  constructor({ connection, clock, onAck, onChange }: SubscriptionOptions) {
    this.#connection = connection;
    this.#clock = clock;
    this.#onAck = onAck;
    this.#onChange = onChange;
    this.state = { kind: "connecting", retryAtMs: null, ...connection.loss, sinceMs: clock.now() };
    connection.join(this);
  }

  /** Why the market is refused, as the state of a load that failed; null if it is not. */
  get refusal(): { kind: "failed"; detail: string; retryAtMs: number | null } | null {
    const { kind, retryAtMs } = this.state;
    return kind === "refused" ? { kind: "failed", detail: this.#detail, retryAtMs } : null;
  }

  /** Another series from now on, or none. */
  follow(series: Series | null) {
    const before = this.series;
    this.series = series;
    this.ackedMs = null;
    this.#rest();
    if (before !== null) this.#connection.release(before);
    if (this.#connection.isConnected) void this.#subscribe();
  }

  /** After sleep, a change of network or a return to the tab: ask now, or connect now. */
  wake() {
    if (this.#connection.isConnected) void this.#subscribe();
    else this.#connection.wake();
  }

  /** Asks now, if there is a connection to ask on and no answer is waited for. */
  ask() {
    if (this.#connection.isConnected && !this.#isAsking) void this.#subscribe();
  }

  up() {
    void this.#subscribe();
  }

  lost({ kind, retryAtMs }: Loss) {
    this.#clock.clearTimeout(this.#ask);
    this.#become(kind, retryAtMs);
  }

  async #subscribe() {
    const { series } = this;
    if (series === null) return;
    this.#rest();
    const asked = this.#asked;
    this.#isAsking = true;
    const sentMs = this.#clock.now();
    const ack = await this.#connection.subscribe(series);
    if (asked !== this.#asked) return;
    this.#isAsking = false;
    if (!this.#connection.isConnected) return;
    if (ack === null) {
      this.#connection.drop();
      return;
    }
    this.#answered(ack);
    if (!ack.ok) return;
    this.ackedMs = this.#clock.now();
    this.#onAck(ack, { sentMs, receivedMs: this.ackedMs });
  }

  #answered(ack: SubscribeAnswer) {
    this.#tries = ack.ok ? 0 : this.#tries + 1;
    if (ack.ok) this.#connection.granted();
    const delayMs = ack.ok ? ASK_EVERY_MS : pauseMs(this.#tries - 1, this.#clock.random);
    this.#ask = this.#clock.setTimeout(() => void this.#subscribe(), delayMs);
    this.#detail = ack.ok || typeof ack.detail !== "string" ? "The server refused this market." : ack.detail;
    this.#become(ack.ok ? "up" : "refused", ack.ok ? null : this.#clock.now() + delayMs);
  }

  /** Whatever answer was waited for is not any more, and nothing is asked by itself. */
  #rest() {
    this.#clock.clearTimeout(this.#ask);
    this.#asked += 1;
    this.#isAsking = false;
  }

  #become(kind: ConnectionKind, retryAtMs: number | null) {
    const sinceMs = this.state.kind === kind ? this.state.sinceMs : this.#clock.now();
    this.state = { kind, sinceMs, retryAtMs };
    this.#onChange();
  }
}
