// The maths of every kind of study: which of the library's indicators, fed with what, remembering how much.
// Never here: which candles there are, drawing.
// Invariant: one formula a kind; it has as many outputs as the kind has lines (outputs.ts).

import { ATR, BollingerBands, EMA, IchimokuCloud, MACD, OBV, RSI, SMA, StochasticOscillator, SuperTrend, WMA } from "trading-signals";
import type { Candle } from "../candles/candle.ts";
import { forever, sourceOf, within, type Formula } from "./formula.ts";
import type { Study, StudyInputs, StudyKind } from "./study.ts";
import { vwap } from "./vwap.ts";

/**
 * After so many periods nothing is left of where an average began that a number could hold: of a usual
 * exponential one e^-50, of Wilder's, which is half as fast, the same.
 */
const EMA_MEMORY = 25;
const WILDER_MEMORY = 50;

/** An indicator of the library. */
interface Indicator<Input, Result> {
  readonly update: (input: Input, replace: boolean) => Result | null;
}

/** What an indicator is fed, and what of its result is told. */
interface Fed<Input, Result> {
  readonly create: () => Indicator<Input, Result>;
  readonly input: (candle: Candle) => Input;
  readonly values: readonly ((result: Result, candle: Candle) => number)[];
  /** Candles before the first value that is told. */
  readonly warmUp: number;
}

function fed<Input, Result>({ create, input, values, warmUp }: Fed<Input, Result>, memory: Pick<Formula, "back" | "ahead">): Formula {
  return {
    outputs: values.length,
    young: warmUp + 2, // the library forgets too much of its first results to take them back
    ...memory,
    create: () => {
      const indicator = create();
      let count = 0;
      return {
        update: (candle, isReplace, out) => {
          if (!isReplace) count += 1;
          const result = indicator.update(input(candle), isReplace);
          for (let i = 0; i < values.length; i += 1) out[i] = result === null || count <= warmUp ? NaN : values[i]!(result, candle);
        },
      };
    },
  };
}

const itself = [(value: number) => value];
const wholeCandle = (candle: Candle) => candle;

function average(create: () => Indicator<number, number>, { period, source }: StudyInputs, memory: number): Formula {
  return fed({ create, input: sourceOf(source), values: itself, warmUp: Number(period) - 1 }, within(memory));
}

const FORMULAS: Readonly<Record<StudyKind, ((inputs: StudyInputs) => Formula) | null>> = {
  sma: (inputs) => average(() => new SMA(Number(inputs.period)), inputs, Number(inputs.period)),
  ema: (inputs) => average(() => new EMA(Number(inputs.period)), inputs, EMA_MEMORY * Number(inputs.period)),
  wma: (inputs) => average(() => new WMA(Number(inputs.period)), inputs, Number(inputs.period)),
  vwap,
  bollinger: ({ period, deviations, source }) => fed({
    create: () => new BollingerBands(Number(period), Number(deviations)),
    input: sourceOf(source),
    values: [({ upper }) => upper, ({ middle }) => middle, ({ lower }) => lower],
    warmUp: Number(period) - 1,
  }, within(Number(period))),
  ichimoku: ({ conversion, base, span }) => {
    const longest = Math.max(Number(conversion), Number(base), Number(span));
    return fed({
      create: () => new IchimokuCloud({ conversionInterval: Number(conversion), baseInterval: Number(base), spanBInterval: Number(span) }),
      input: wholeCandle,
      values: [(one) => one.conversion, (one) => one.base, (one) => one.spanA, (one) => one.spanB, (_, { close }) => close],
      warmUp: longest - 1,
    }, within(longest));
  },
  supertrend: ({ period, factor }) => fed({
    create: () => new SuperTrend({ interval: Number(period), multiplier: Number(factor) }),
    input: wholeCandle,
    values: [({ trend, supertrend }) => (trend === "BULLISH" ? supertrend : NaN), ({ trend, supertrend }) => (trend === "BULLISH" ? NaN : supertrend)],
    warmUp: Number(period) - 1,
  }, forever),
  "volume-profile": null, // of what is in sight: volumeProfile.ts
  rsi: ({ period, source }) => fed({ create: () => new RSI(Number(period)), input: sourceOf(source), values: itself, warmUp: Number(period) }, within(WILDER_MEMORY * Number(period))),
  macd: ({ fast, slow, signal, source }) => {
    const longest = Math.max(Number(fast), Number(slow));
    return fed({
      create: () => new MACD(new EMA(Number(fast)), new EMA(Number(slow)), new EMA(Number(signal))),
      input: sourceOf(source),
      values: [({ histogram }) => histogram, ({ macd }) => macd, ({ signal: smoothed }) => smoothed],
      warmUp: longest - 1,
    }, within(EMA_MEMORY * (longest + Number(signal))));
  },
  atr: ({ period }) => fed({ create: () => new ATR(Number(period)), input: wholeCandle, values: itself, warmUp: Number(period) - 1 }, within(WILDER_MEMORY * Number(period))),
  stochastic: ({ k, slowing, d }) => {
    const all = Number(k) + Number(slowing) + Number(d);
    return fed({
      create: () => new StochasticOscillator({ kPeriod: Number(k), kSlowingPeriod: Number(slowing), dPeriod: Number(d) }),
      input: wholeCandle,
      values: [({ stochK }) => stochK, ({ stochD }) => stochD],
      warmUp: all - 3,
    }, within(all));
  },
  obv: () => fed({ create: () => new OBV(2), input: wholeCandle, values: itself, warmUp: 1 }, forever), // of two candles each
};

/** Null for what is worked out of the candles in sight instead. */
export function formulaOf({ kind, inputs }: Pick<Study, "kind" | "inputs">): Formula | null {
  return FORMULAS[kind]?.(inputs) ?? null;
}
