// The way to one candle: pages back as far as it takes, shows it, or finds out why there is none.
// Never here: words, the address, drawing (handed in).
// Invariant: one candle is looked for at a time; another wish, or another series, ends the one before.

import { signal } from "@preact/signals-core";
import type { Gap } from "../candles/marks.ts";
import type { Series } from "../candles/series.ts";
import type { Reached } from "./pageBack.ts";
import type { ViewModel } from "./viewModel.ts";

/** What came of it. `firstMs`: the oldest candle that is held. */
export interface JumpOutcome {
  readonly kind: "there" | "gap" | "older" | "newer" | "far";
  readonly timeMs: number;
  readonly gap: Gap | null;
  readonly firstMs: number | null;
}

interface Ways {
  /** Loads candles of that time, if they are stored. */
  readonly reach: (openMs: number) => Promise<Reached>;
  /** Shows that place; false if the time axis has none such. */
  readonly goTo: (openMs: number) => boolean;
  readonly bars: () => readonly { readonly time: number }[];
  readonly gapAt: (openMs: number) => Gap | null;
}

export class CandleJump {
  /** The candle that is being looked for, by its open time; null while none is. */
  readonly wanted = signal<number | null>(null);
  readonly #ways: Ways;
  readonly #onOutcome: (outcome: JumpOutcome) => void;
  #series: Series | null = null;
  #asked = 0;

  constructor(ways: Ways, onOutcome: (outcome: JumpOutcome) => void) {
    this.#ways = ways;
    this.#onOutcome = onOutcome;
  }

  open(series: Series) {
    this.#series = series;
    this.#asked += 1;
    this.wanted.value = null;
  }

  /** Any moment: the candle it lies in is meant. Found as soon as candles are there. */
  want(timeMs: number) {
    this.#asked += 1;
    this.wanted.value = timeMs;
  }

  /** The page's state has changed. */
  look({ load }: Pick<ViewModel, "load">) {
    if (this.wanted.peek() === null || load.kind !== "ready") return;
    const timeMs = this.wanted.peek()!;
    this.wanted.value = null;
    void this.#find(timeMs);
  }

  async #find(timeMs: number) {
    const asked = this.#asked;
    const reached = await this.#ways.reach(timeMs);
    if (asked !== this.#asked) return;
    const bars = this.#ways.bars();
    const openMs = this.#openOf(timeMs, bars);
    const gap = this.#ways.gapAt(openMs);
    const firstMs = bars[0]?.time ?? null;
    const tell = (kind: JumpOutcome["kind"]) => this.#onOutcome({ kind, timeMs: openMs, gap, firstMs });
    if (bars.some((bar) => bar.time === openMs)) {
      this.#ways.goTo(openMs);
      return tell("there");
    }
    if (openMs > (bars.at(-1)?.time ?? Infinity)) return tell("newer");
    if (gap !== null || reached === "held") {
      if (!this.#ways.goTo(openMs) && gap !== null && !this.#ways.goTo(gap.startMs)) this.#ways.goTo(gap.endMs);
      return tell("gap");
    }
    return tell(reached === "end" ? "older" : "far");
  }

  /** The open time of the candle that a moment lies in. */
  #openOf(timeMs: number, bars: readonly { readonly time: number }[]): number {
    const interval = this.#series?.interval;
    if (interval?.hasGrid) return interval.openMs(timeMs);
    return bars.findLast((bar) => bar.time <= timeMs)?.time ?? timeMs;
  }
}
