// When the server was last heard, by whatever way, and when it has to be asked because it was not.
// Never here: the socket and REST themselves (both handed in), words, what an answer means.
// Invariant: where the socket is shut out, REST is asked at most every `POLL_EVERY_MS`, one request at a time.

import type { Series } from "../candles/series.ts";
import type { Clock } from "../clock.ts";
import type { Api, ApiError, DataPage } from "../net/api.ts";
import type { ConnectionState } from "../net/connection.ts";
import type { Freshness } from "../net/protocol.ts";

/** A live market is heard several times a second; one that is quiet only when it is asked. */
const ASK_LIVE_MS = 2_000;
const ASK_QUIET_MS = 5_000;

/** Silent for longer, although asked, a server is not known to be there any more. */
const SILENT_LIVE_MS = 3_000;
const SILENT_QUIET_MS = 7_000;

/** How often REST is asked while the socket can't connect: the age that a price then may have. */
export const POLL_EVERY_MS = 5_000;

/** Candles of one such answer: official ones come one at a time. */
const POLLED_CANDLES = 100;

/** A connection lost for less is mostly back before an answer of REST would be. */
const POLL_AFTER_MS = 3_000;

/** An answer of REST holds until the one after it is late. */
const POLLED_MAX_MS = 2 * POLL_EVERY_MS;

/** What REST answered in the socket's place. */
export interface Polled {
  readonly symbol: string;
  readonly interval: string;
  readonly page: DataPage;
  readonly freshness: Freshness | null;
}

interface ServerContactOptions {
  readonly clock: Clock;
  readonly api: Pick<Api, "data" | "freshness">;
  /** Asks over the socket, if there is one and no answer is waited for. */
  readonly ask: () => void;
  readonly onPolled: (answer: Polled) => void;
  /** Called when REST wants a sign-in. */
  readonly onRefused: () => void;
}

export class ServerContact {
  readonly #options: ServerContactOptions;
  readonly #clock: Clock;
  #heardMs: number | null = null;
  #polledMs: number | null = null;
  #pollAtMs = 0;
  #isPolling = false;

  /** What the browser says of its own network. */
  isOnline = true;

  constructor(options: ServerContactOptions) {
    this.#options = options;
    this.#clock = options.clock;
  }

  /** A word over the socket, of whatever kind. True if REST was asked in its place until now. */
  heard(): boolean {
    this.#heardMs = this.#clock.now();
    return this.#polledMs !== null;
  }

  /** When REST last answered in the socket's place, by our own clock; null while it does not. */
  get polledMs(): number | null {
    const isLate = this.#polledMs !== null && this.#clock.now() - this.#polledMs > POLLED_MAX_MS;
    return isLate ? null : this.#polledMs;
  }

  /** Since when nothing was heard, by our own clock, although something should have been; else null. */
  silentSince(isLive: boolean): number | null {
    const isSilent = this.#heardMs !== null && this.#clock.now() - this.#heardMs > (isLive ? SILENT_LIVE_MS : SILENT_QUIET_MS);
    return isSilent ? this.#heardMs : null;
  }

  /** Called again and again; `isLive`: the market is one of which something should come all the time. */
  look({ kind, sinceMs }: ConnectionState, series: Series, isLive: boolean) {
    const nowMs = this.#clock.now();
    if (kind === "up") {
      this.#polledMs = null;
      if (this.#heardMs !== null && nowMs - this.#heardMs >= (isLive ? ASK_LIVE_MS : ASK_QUIET_MS)) this.#options.ask();
      return;
    }
    this.#heardMs = null;
    const isDue = kind === "away" && nowMs - sinceMs >= POLL_AFTER_MS && nowMs >= this.#pollAtMs;
    if (isDue && !this.#isPolling) void this.#poll(series);
  }

  async #poll(series: Series) {
    this.#isPolling = true;
    this.#pollAtMs = this.#clock.now() + POLL_EVERY_MS;
    const named = { symbol: series.symbol, interval: series.interval.name };
    const { api, onPolled, onRefused } = this.#options;
    const asked = [api.data({ ...named, limit: POLLED_CANDLES, live: true }), api.freshness(named)] as const;
    const answer = await Promise.all(asked).catch((error: Partial<ApiError>) => {
      if (error.status === 401) onRefused();
      return null;
    });
    this.#isPolling = false;
    this.#polledMs = answer === null ? null : this.#clock.now();
    if (answer !== null) onPolled({ ...named, page: answer[0], freshness: answer[1] });
  }
}
