// Both versions of a candle that the exchange corrected, asked for when it is pointed at.
// Never here: which candles were corrected (candles/marks.ts), words.
// Invariant: one candle is asked for at a time, once; what is kept is bounded and of one series.

import { signal } from "@preact/signals-core";
import type { Series } from "../candles/series.ts";
import type { Clock } from "../clock.ts";
import type { Api } from "../net/api.ts";
import type { Correction } from "../net/protocol.ts";

/** Of one candle: `correction` null while it is asked for, or where none is kept. */
export interface CorrectionDetail {
  readonly time: number;
  readonly correction: Correction | null;
  /** How often the candle was corrected. */
  readonly times: number;
  readonly state: "asking" | "known" | "failed";
}

/** A crosshair that sweeps over many candles asks for none of them. */
const REST_MS = 120;
const KEPT_MAX = 200;

/** More corrections of one candle than this are not counted. */
const TIMES_MAX = 20;

export class CorrectionDetails {
  /** Of the candle that is pointed at; null if it was not corrected. */
  readonly detail = signal<CorrectionDetail | null>(null);
  readonly #api: Pick<Api, "corrections">;
  readonly #clock: Clock;
  readonly #kept = new Map<number, CorrectionDetail>();
  #series: Series | null = null;
  #abort = new AbortController();
  #timer: number | undefined;

  constructor({ api, clock }: { readonly api: Pick<Api, "corrections">; readonly clock: Clock }) {
    this.#api = api;
    this.#clock = clock;
  }

  open(series: Series) {
    this.#series = series;
    this.#kept.clear();
    this.point(null);
  }

  /** The corrected candle that is pointed at, by its open time; null for any other. */
  point(time: number | null) {
    if (time === (this.detail.peek()?.time ?? null)) return;
    this.#clock.clearTimeout(this.#timer);
    this.#abort.abort();
    const known = time === null ? null : this.#kept.get(time);
    this.detail.value = time === null ? null : (known ?? { time, correction: null, times: 0, state: "asking" });
    if (time !== null && known === undefined) this.#timer = this.#clock.setTimeout(() => void this.#ask(time), REST_MS);
  }

  /** Candles of these open times have changed: what is known of them is old. */
  renew(times: readonly number[]) {
    for (const time of times) this.#kept.delete(time);
    const pointed = this.detail.peek()?.time ?? null;
    if (pointed === null || !times.includes(pointed)) return;
    this.detail.value = null;
    this.point(pointed);
  }

  async #ask(time: number) {
    const { symbol, interval } = this.#series!;
    this.#abort = new AbortController();
    const { signal: abort } = this.#abort;
    try {
      const found = await this.#api.corrections({ symbol, interval: interval.name, limit: TIMES_MAX, start: time, end: time + 1, signal: abort });
      if (!abort.aborted) this.#keep({ time, correction: found[0] ?? null, times: found.length, state: "known" });
    } catch {
      if (!abort.aborted) this.detail.value = { time, correction: null, times: 0, state: "failed" };
    }
  }

  #keep(detail: CorrectionDetail) {
    this.detail.value = detail;
    this.#kept.set(detail.time, detail);
    for (const time of this.#kept.keys()) {
      if (this.#kept.size <= KEPT_MAX) break;
      this.#kept.delete(time);
    }
  }
}
