// The way to the server: connects, subscribes, asks again, backs off, and says since when it is how.
// Never here: candles, versions' meaning, words for people, the DOM.
// Invariant: "up" means that the server acknowledged the subscription of the series now followed.

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

/** Our own clock's times, in ms. */
export interface RoundTrip {
  readonly sentMs: number;
  readonly receivedMs: number;
}

export type GrantedAnswer = Extract<SubscribeAnswer, { ok: true }>;

interface ConnectionOptions {
  readonly clock: Clock;
  readonly onAck: (ack: GrantedAnswer, times: RoundTrip) => void;
  readonly onChange: (state: ConnectionState) => void;
}

/** How often the subscription is asked again: a quiet pub/sub is found out this way. */
export const ASK_EVERY_MS = 15_000;

/** The first try comes soon, the next after pauses that double; the last one repeats for as long as it takes. */
const SOON_MS = 300;
const RETRY_MS = 1_000;
const RETRY_MAX_MS = 5_000;

export class Connection {
  #socket: EventSocket | null = null;
  readonly #clock: Clock;
  readonly #onAck: ConnectionOptions["onAck"];
  readonly #onChange: ConnectionOptions["onChange"];
  #series: Series | null = null;
  #isConnected = false;
  #tries = 0;
  #retry: number | undefined;
  #ask: number | undefined;
  #asked = 0;
  #isAsking = false;
  #detail = "";

  /** When the server last acknowledged the subscription; null before. */
  ackedMs: number | null = null;

  state: ConnectionState;

  constructor({ clock, onAck, onChange }: ConnectionOptions) {
    this.#clock = clock;
    this.#onAck = onAck;
    this.#onChange = onChange;
    this.state = { kind: "connecting", sinceMs: clock.now(), retryAtMs: null };
  }

  /** Why the market is refused, as the state of a load that failed; null if it is not. */
  get refusal(): { kind: "failed"; detail: string; retryAtMs: number | null } | null {
    const { kind, retryAtMs } = this.state;
    return kind === "refused" ? { kind: "failed", detail: this.#detail, retryAtMs } : null;
  }

  start(socket: EventSocket) {
    this.#socket = socket;
    socket.connect();
  }

  follow(series: Series) {
    if (this.#isConnected && this.#series !== null) this.#socket?.unsubscribe(this.#series);
    this.#series = series;
    this.ackedMs = null;
    if (this.#isConnected) this.#subscribe();
  }

  /** After sleep, a change of network or a return to the tab: ask now, or connect now. */
  wake() {
    if (this.#isConnected) this.#subscribe();
    else this.#connect();
  }

  /** Asks now, if there is a connection to ask on and no answer is waited for. */
  ask() {
    if (this.#isConnected && !this.#isAsking) this.#subscribe();
  }

  up() {
    this.#isConnected = true;
    this.#cancel();
    this.#subscribe();
  }

  down({ isRefused }: { readonly isRefused: boolean }) {
    this.#isConnected = false;
    this.#cancel();
    if (isRefused) {
      this.#become("out", null);
      return;
    }
    const delayMs = this.#pause();
    this.#retry = this.#clock.setTimeout(() => this.#connect(), delayMs);
    this.#become("away", this.#clock.now() + delayMs);
  }

  #connect() {
    this.#cancel();
    this.#socket?.connect();
  }

  async #subscribe() {
    if (this.#series === null || this.#socket === null) return;
    this.#clock.clearTimeout(this.#ask);
    this.#asked += 1;
    const asked = this.#asked;
    this.#isAsking = true;
    const sentMs = this.#clock.now();
    const ack = await this.#socket.subscribe(this.#series).catch(() => null);
    if (asked !== this.#asked) return;
    this.#isAsking = false;
    if (!this.#isConnected) return;
    if (ack === null) {
      this.#socket.disconnect();
      if (this.#isConnected) this.down({ isRefused: false });
      return;
    }
    this.#answered(ack);
    if (!ack.ok) return;
    this.ackedMs = this.#clock.now();
    this.#onAck(ack, { sentMs, receivedMs: this.ackedMs });
  }

  #answered(ack: SubscribeAnswer) {
    const delayMs = ack.ok ? ASK_EVERY_MS : this.#pause();
    if (ack.ok) this.#tries = 0;
    this.#ask = this.#clock.setTimeout(() => this.#subscribe(), delayMs);
    this.#detail = ack.ok || typeof ack.detail !== "string" ? "The server refused this market." : ack.detail;
    this.#become(ack.ok ? "up" : "refused", ack.ok ? null : this.#clock.now() + delayMs);
  }

  #pause() {
    const pause = this.#tries === 0 ? SOON_MS : ceiling(RETRY_MS, RETRY_MAX_MS, this.#tries);
    this.#tries += 1;
    return Math.round(pause * (0.75 + 0.25 * this.#clock.random()));
  }

  #become(kind: ConnectionKind, retryAtMs: number | null) {
    const sinceMs = this.state.kind === kind ? this.state.sinceMs : this.#clock.now();
    this.state = { kind, sinceMs, retryAtMs };
    this.#onChange(this.state);
  }

  #cancel() {
    this.#clock.clearTimeout(this.#retry);
    this.#clock.clearTimeout(this.#ask);
  }
}
