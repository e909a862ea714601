// The short fade by which a pending candle becomes official: seen once, then never in the way.
// Never here: which candles fade.
// Invariant: every candle ends at its full body, whether its fade ran, was cut short or never began.

import type { DrawnCandle } from "./barPoint.ts";
import type { Bars } from "./bars.ts";

const FADE_MS = 120;
const FROM = 0.45;

/** With more bars than this a fade would cost more frames than it has: each draws them all anew. */
const BARS_MAX = 10_000;

export class Fades {
  readonly #bars: Bars;
  readonly #running = new Map<DrawnCandle, number>(); // point → time its fade began

  constructor(bars: Bars) {
    this.#bars = bars;
  }

  start(points: readonly DrawnCandle[]) {
    if (this.#bars.points.length > BARS_MAX) return;
    const isIdle = this.#running.size === 0;
    for (const point of points) {
      this.#running.set(point, performance.now());
      this.#bars.shade(point, FROM);
    }
    if (isIdle && this.#running.size > 0) requestAnimationFrame((nowMs) => this.#step(nowMs));
  }

  stop() {
    this.#running.clear();
  }

  #step(nowMs: number) {
    for (const [point, beganMs] of this.#running) {
      const part = Math.min(1, Math.max(0, (nowMs - beganMs) / FADE_MS));
      this.#bars.shade(point, FROM + (1 - FROM) * part);
      if (part === 1) this.#running.delete(point);
    }
    if (this.#running.size > 0) requestAnimationFrame((later) => this.#step(later));
  }
}
