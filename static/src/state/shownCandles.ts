// How the chart had shown candles before they became official, of the stretch that is looked at.
// Never here: drawing, words, which candles are in sight (handed in).
// Invariant: nothing is asked while it is switched off; one request in flight, and a pause between two.

import { signal } from "@preact/signals-core";
import type { Candle } from "../candles/candle.ts";
import type { Series } from "../candles/series.ts";
import type { Clock } from "../clock.ts";
import type { Api } from "../net/api.ts";
import type { AuditedCandle } from "../net/protocol.ts";

type Prices = Omit<Candle, "time">;

/** One candle as it was shown; null: it closed while nothing was shown of it. */
export interface ShownCandle {
  readonly time: number;
  readonly shown: Prices | null;
  readonly official: Prices;
  readonly differs: "prices" | "others" | "nothing";
  readonly differing: readonly string[];
  readonly source: "live" | "client" | null;
  readonly lateMs: number;
}

export interface ShownState {
  readonly isOn: boolean;
  /** Ascending. */
  readonly candles: readonly ShownCandle[];
  /** The oldest candle that is known of; null: none, or not told yet. */
  readonly sinceMs: number | null;
  readonly problem: string;
}

/** Candles of one answer, and kept: as many as the server keeps. */
const KEPT_MAX = 1_000;

/** Between two requests, so that a chart of seconds asks no more than others. */
const PAUSE_MS = 4_000;

const PRICES: ReadonlySet<string> = new Set(["open", "high", "low", "close"]);
const OFF: ShownState = { isOn: false, candles: [], sinceMs: null, problem: "" };

export class ShownCandleLoader {
  readonly state = signal<ShownState>(OFF);
  readonly #api: Pick<Api, "audit">;
  readonly #clock: Clock;
  #series: Series | null = null;
  #abort = new AbortController();
  #timer: number | undefined;
  #isAsking = false;
  #askedMs = -Infinity;
  #range: readonly [fromMs: number, toMs: number] | null = null;
  #covered: readonly [fromMs: number, toMs: number] | null = null;

  constructor({ api, clock }: { readonly api: Pick<Api, "audit">; readonly clock: Clock }) {
    this.#api = api;
    this.#clock = clock;
  }

  open(series: Series) {
    this.#series = series;
    this.#forget();
    if (this.state.peek().isOn) this.state.value = { ...OFF, isOn: true };
  }

  toggle(isOn: boolean) {
    this.#forget();
    this.state.value = { ...OFF, isOn };
    this.#want();
  }

  /** What is in sight now, in open times. */
  look(fromMs: number, toMs: number) {
    this.#range = [fromMs, toMs];
    this.#want();
  }

  /** Candles have become official from that time on: what is known of them is asked for anew. */
  renew(fromMs: number) {
    if (this.#covered !== null && fromMs <= this.#covered[1]) this.#covered = fromMs > this.#covered[0] ? [this.#covered[0], fromMs - 1] : null;
    this.#want();
  }

  #want() {
    if (!this.state.peek().isOn || this.#isAsking || this.#missing() === null) return;
    this.#clock.clearTimeout(this.#timer);
    const waitMs = this.#askedMs + PAUSE_MS - this.#clock.now();
    if (waitMs > 0) this.#timer = this.#clock.setTimeout(() => this.#want(), waitMs);
    else void this.#ask();
  }

  /** What of the range in sight is not known yet. */
  #missing(): readonly [number, number] | null {
    if (this.#range === null) return null;
    const [fromMs, toMs] = this.#range;
    if (this.#covered === null || toMs < this.#covered[0] || fromMs > this.#covered[1]) return this.#range;
    const [firstMs, lastMs] = this.#covered;
    if (fromMs < firstMs) return [fromMs, toMs];
    return toMs > lastMs ? [lastMs + 1, toMs] : null;
  }

  async #ask() {
    const [fromMs, toMs] = this.#missing()!;
    const { signal: abort } = this.#abort;
    const { symbol, interval } = this.#series!;
    this.#isAsking = true;
    this.#askedMs = this.#clock.now();
    try {
      const { candles, sinceMs } = await this.#api.audit({
        symbol, interval: interval.name, limit: KEPT_MAX, start: Math.max(0, fromMs), end: toMs + 1, summary: false, signal: abort,
      });
      if (abort.aborted) return;
      const joins = this.#covered !== null && fromMs <= this.#covered[1] + 1 && toMs >= this.#covered[0];
      this.#covered = joins ? [Math.min(fromMs, this.#covered![0]), Math.max(toMs, this.#covered![1])] : [fromMs, toMs];
      const kept = joins ? this.state.peek().candles : [];
      const byTime = new Map([...kept, ...candles.map(shownCandle)].map((one) => [one.time, one]));
      const sorted = [...byTime.values()].sort((a, b) => a.time - b.time).slice(-KEPT_MAX);
      this.state.value = { isOn: true, candles: sorted, sinceMs, problem: "" };
    } catch (error) {
      if (abort.aborted) return;
      this.state.value = { ...this.state.peek(), problem: error instanceof Error ? error.message : String(error) };
    }
    this.#isAsking = false;
    this.#want();
  }

  #forget() {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#clock.clearTimeout(this.#timer);
    this.#isAsking = false;
    this.#askedMs = -Infinity;
    this.#covered = null;
  }
}

/** One entry of the audit, as it is drawn and told. */
export function shownCandle({ time, shown, official, differing, late_ms: lateMs }: AuditedCandle): ShownCandle {
  const differs = differing.some((name) => PRICES.has(name)) ? "prices" : differing.length > 0 ? "others" : "nothing";
  return { time, shown: shown && prices(shown), official: prices(official), differs, differing, source: shown?.source ?? null, lateMs };
}

function prices({ open, high, low, close, volume }: Prices): Prices {
  return { open, high, low, close, volume };
}
