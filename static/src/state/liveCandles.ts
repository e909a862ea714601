// The live side of one series: what is pending and forming now, the last price, and how fresh all is.
// Never here: official candles beyond their open times, the clock, drawing.
// Invariant: `items` is the merge rule's answer, less what waits beyond a hole; nothing else decides.

import type { CandleInState, LiveCandle, Unchecked } from "../candles/candle.ts";
import type { History } from "../candles/history.ts";
import { LiveCandleBuilder } from "../candles/builder.ts";
import { VisibleTail } from "../candles/visibleTail.ts";
import { isMoment, type Interval } from "../candles/interval.ts";
import { isMissing, tail } from "../candles/merge.ts";
import { Missing, type MissingSpan } from "../candles/missing.ts";
import type { Freshness, LiveCandleFields } from "../net/protocol.ts";
import type { LivePriceEvent } from "../net/socketProtocol.ts";

export class LiveCandles {
  #interval: Interval;
  readonly #builder: LiveCandleBuilder;
  readonly #visibleTail = new VisibleTail();
  readonly #missing = new Missing();

  /** The last price, and the exchange ms when the last news arrived; null before any. */
  price: number | null;
  lastNewsMs: number | null = null;

  /** How fresh the server says the market is: `{state, since, why}`; null before it has said so. */
  freshness: Freshness | null;

  /** The open times of all live candles, those that wait too. */
  times: number[] = [];

  /** `before` is the same market's live side at another interval, or null. */
  constructor(interval: Interval, before: LiveCandles | null = null) {
    this.price = before?.price ?? null;
    this.freshness = before?.freshness ?? null;
    this.#interval = interval;
    this.#builder = new LiveCandleBuilder(interval);
  }

  /** Candles of an answer, as new as they say they are; and the spans in which it says there are none. */
  load(candles: readonly unknown[], missing: readonly MissingSpan[]) {
    this.miss(missing);
    for (const fields of candles) {
      if (this.#isMissing(openTime(fields)) || !this.#builder.addCandle(fields)) continue;
      const { updated_at: updatedAt, close } = fields as LiveCandle; // checked: it was taken in
      this.lastNewsMs = Math.max(this.lastNewsMs ?? 0, updatedAt);
      this.price = close;
    }
  }

  /** The exchange has no candles in these spans: whatever is held or comes there is dropped. */
  miss(spans: readonly MissingSpan[]): boolean {
    if (!this.#missing.add(spans)) return false;
    const { pending, forming } = this.#builder;
    const held = [...pending, ...(forming === null ? [] : [forming])];
    this.#builder.forget(held.map(({ time }) => time).filter((time) => this.#isMissing(time)));
    return true;
  }

  /** The server's judgement of the market. */
  judge({ state, since, why }: Freshness) {
    this.freshness = { state, since, why };
  }

  /** A `live_candle` or `live_price` that just arrived. False if it changes nothing. */
  addCandle(candle: Unchecked<LiveCandleFields>, nowMs: number): boolean {
    return !this.#isMissing(openTime(candle)) && this.#builder.addCandle(candle) && this.#news(candle.close as number, nowMs);
  }

  addPrice(event: Unchecked<LivePriceEvent>, nowMs: number): boolean {
    return this.#builder.addPrice(event) && this.#news(event.price as number, nowMs);
  }

  /** Candles of the first answer: what it lacks nobody has. */
  begin(candles: readonly unknown[]) {
    const times = candles.map(openTime).filter(isMoment);
    if (times.length > 0) this.#visibleTail.begin(Math.max(...times));
  }

  /** Whether more is known to be than is held: a resync is due if no news brings it. */
  get isAmiss() {
    return this.#builder.isAdrift || this.#visibleTail.isWaiting;
  }

  /** Pending and forming candles beside what is official, `{candle, state}`; `localMs` by any clock. */
  items(history: History, nowMs: number, localMs: number): CandleInState[] {
    const { pending, forming } = this.#builder;
    this.times = [];
    if (forming === null) return [];
    const opens = history.opensFrom(pending[0]?.time ?? forming.time);
    const items = tail(this.#interval, opens, pending, forming, nowMs, this.#missing.spans);
    this.times = items.map(({ candle }) => candle.time);
    return this.#visibleTail.shown(this.#interval, history.last?.time ?? null, items, localMs);
  }

  /** Lets go of what an official candle stands for now. */
  settle(history: History) {
    const { pending, forming } = this.#builder;
    const firstMs = pending[0]?.time ?? forming?.time ?? Infinity;
    this.#builder.forget(history.opensFrom(firstMs));
  }

  learn(interval: Interval) {
    this.#interval = interval;
    this.#builder.learn(interval);
  }

  #isMissing(time: unknown) {
    return isMoment(time) && isMissing(this.#missing.spans, time);
  }

  #news(price: number, nowMs: number) {
    this.price = price;
    this.lastNewsMs = nowMs;
    return true;
  }
}

/** The open time that a candle says it has. */
function openTime(fields: unknown): unknown {
  return (fields as { readonly time?: unknown } | null | undefined)?.time;
}
