// Offers the browser's forming candle to the server, for the time when the server has nothing better.
// Never here: how the candle is built, what the server does with it.
// Invariant: at most one offer in 5 s, one in 30 s after a refusal; none while hidden, while the
// server's word on time and market is old, or while the feed lives: it would only be refused.

import { sameValues, type Candle, type CandleInState } from "../candles/candle.ts";
import type { Series } from "../candles/series.ts";
import type { Clock } from "../clock.ts";
import type { Api, ApiError } from "../net/api.ts";
import type { Subscription } from "../net/subscription.ts";
import type { FreshnessState } from "../net/protocol.ts";
import type { LiveCandles } from "./liveCandles.ts";

export const OFFER_EVERY_MS = 5_000;
export const OFFER_PAUSE_MS = 30_000;

/** With an acknowledgement older than this the page may have slept: what it knows may be of another hour. */
const ACK_MAX_MS = 20_000;

/** A candle that closes sooner is not offered: it might arrive too late, and be refused as closed. */
const LEFT_MIN_MS = 2_000;

/** Only while the market is known to be one of these is a browser's candle of use. */
const NEEDED: ReadonlySet<FreshnessState | undefined> = new Set<FreshnessState>(["stale", "offline"]);

/** What decides whether an offer is of use now. */
interface Circumstances {
  readonly live: Pick<LiveCandles, "freshness">;
  readonly link: Pick<Subscription, "state" | "ackedMs">;
  readonly nowMs: number;
}

export class CandleUploader {
  readonly #api: Pick<Api, "save">;
  readonly #clock: Clock;
  readonly #isAllowed: boolean;
  #isBusy = false;
  #nextMs = 0;
  #saved: { readonly name: string; readonly candle: Candle } | null = null;

  isVisible = true;

  constructor({ api, clock, isAllowed }: { api: Pick<Api, "save">; clock: Clock; isAllowed: boolean }) {
    this.#api = api;
    this.#clock = clock;
    this.#isAllowed = isAllowed;
  }

  /** Offers the last of the live candles, if it forms at `nowMs`, is of use, and it is time. */
  async offer(series: Series, item: CandleInState | undefined, { live, link, nowMs }: Circumstances): Promise<void> {
    if (!this.#isAllowed || !this.isVisible || this.#isBusy || link.state.kind !== "up") return;
    const localMs = this.#clock.now();
    if (!NEEDED.has(live.freshness?.state) || localMs < this.#nextMs) return;
    if (link.ackedMs === null || localMs - link.ackedMs > ACK_MAX_MS) return;
    if (item?.state !== "forming" || !isCurrent(series, item.candle, nowMs) || this.#isSaved(series, item.candle)) return;
    this.#isBusy = true;
    const { time, open, high, low, close, volume } = item.candle;
    const candle = { time, open, high, low, close, volume, isIncomplete: true, source: "client" } as const;
    let pauseMs = OFFER_PAUSE_MS;
    try {
      const answer = await this.#api.save({ symbol: series.symbol, interval: series.interval.name, candle });
      if (answer.status === "saved") {
        pauseMs = OFFER_EVERY_MS;
        this.#saved = { name: series.name, candle };
      }
    } catch (error) {
      pauseMs = Math.max(OFFER_PAUSE_MS, (error as Partial<ApiError>).retryAfterMs ?? 0);
    }
    this.#nextMs = this.#clock.now() + pauseMs;
    this.#isBusy = false;
  }

  #isSaved({ name }: Series, candle: Candle) {
    return this.#saved !== null && this.#saved.name === name && sameValues(this.#saved.candle, candle);
  }
}

function isCurrent({ interval }: Series, { time }: Candle, nowMs: number) {
  return interval.hasGrid && interval.openMs(nowMs) === time && interval.nextOpenMs(time) - nowMs >= LEFT_MIN_MS;
}
