// The volume-weighted average price by session, which the library has without sessions.
// Never here: which candles there are, drawing.
// Invariant: replacing the last candle leaves what adding it alone would have left.

import type { Candle } from "../candles/candle.ts";
import { DAY_MS } from "../candles/interval.ts";
import { since, sourceOf, type Calculator, type Formula } from "./formula.ts";
import type { Anchor, StudyInputs } from "./study.ts";

/** 1970-01-01 was a Thursday: weeks begin on the Monday before it. */
const MONDAY_DAYS = 3;

const SESSION: Readonly<Record<Anchor, (timeMs: number) => number>> = {
  day: (timeMs) => Math.floor(timeMs / DAY_MS),
  week: (timeMs) => Math.floor((Math.floor(timeMs / DAY_MS) + MONDAY_DAYS) / 7),
  month: (timeMs) => new Date(timeMs).getUTCFullYear() * 12 + new Date(timeMs).getUTCMonth(),
};

/** Folds candles into a state; the one before the last candle is kept for replacing it. */
function folded<S>(first: S, next: (state: S, candle: Candle) => S, write: (state: S, out: Float64Array) => void): Calculator {
  let [before, now] = [first, first];
  return {
    update: (candle, isReplace, out) => {
      if (!isReplace) before = now;
      now = next(before, candle);
      write(now, out);
    },
  };
}

/** The average price since the session began, weighted by volume; none before anything traded in it. */
export function vwap({ anchor, source }: StudyInputs): Formula {
  const [session, price] = [SESSION[anchor as Anchor], sourceOf(source)];
  const key = ({ time }: Candle) => session(time);
  const first = { session: NaN, worth: 0, volume: 0 };
  return {
    outputs: 1,
    young: 0,
    ...since(key),
    create: () => folded(first, (state, candle) => {
      const { session: of, worth, volume } = key(candle) === state.session ? state : { ...first, session: key(candle) };
      return { session: of, worth: worth + price(candle) * candle.volume, volume: volume + candle.volume };
    }, ({ worth, volume }, out) => { out[0] = volume > 0 ? worth / volume : NaN; }),
  };
}
