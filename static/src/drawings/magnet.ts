// The magnet: a point near a candle's open, high, low or close is put onto it.
// Never here: how near is near (whoever asks says it, in pixels), candles themselves.
// Invariant: a time becomes that of a place, a price one of the candle's own or stays as it was.

export interface MagnetBar {
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
}

/** The price of the candle that is nearest on the screen, if one lies within reach; else null. */
export function attracted(bar: MagnetBar, y: number, toY: (price: number) => number | null, reachPx: number): number | null {
  let [best, bestPx]: [number | null, number] = [null, reachPx];
  for (const price of [bar.open, bar.high, bar.low, bar.close]) {
    const place = toY(price);
    if (place === null) continue;
    const away = Math.abs(place - y);
    if (away < bestPx || (away === bestPx && best === null)) [best, bestPx] = [price, away];
  }
  return best;
}
