// The types of chart: which series of the library draws each, and what it is given for a candle.
// Never here: which candles there are, where a series stands (bars.ts).
// Invariant: a type shows what it is given; a candle without a trade is neutral in every one of them.

import {
  AreaSeries, BarSeries, CandlestickSeries, LineSeries, LineType,
  type IChartApi, type ISeriesApi, type SeriesDataItemTypeMap, type SeriesPartialOptionsMap, type SeriesType, type Time,
} from "lightweight-charts";
import type { CandleState } from "../candles/candle.ts";
import type { ChartType } from "../state/preferences.ts";
import { alpha, type ThemeColors } from "../ui/theme.ts";
import type { Shape } from "./heikinAshi.ts";

/** Which way a bar goes; neither where nothing traded. */
export type Side = "up" | "down" | "none";

/** How one bar is drawn. `isBeforeGap`: a line ends with it. */
export interface Look {
  readonly side: Side;
  readonly state: CandleState;
  readonly isBeforeGap: boolean;
}

type SeriesOptions = SeriesPartialOptionsMap[SeriesType];
type Item = SeriesDataItemTypeMap<Time>[SeriesType];

export interface SeriesKind {
  /** Points are joined, so that a part has to begin with the last point of the part before it. */
  readonly isJoined: boolean;
  /** Averaged from candles (heikinAshi.ts). */
  readonly isAveraged: boolean;
  readonly add: (chart: IChartApi) => ISeriesApi<SeriesType>;
  readonly options: (colors: ThemeColors) => SeriesOptions;
  readonly item: (time: Time, shape: Shape, look: Look, colors: ThemeColors) => Item;
}

/** Opacity of a body by state; outline and wick are always full. */
export const BODY: Readonly<Record<CandleState, number>> = { final: 1, pending: 0.45, forming: 0.25 };

/** A bar has no body: it may be paler, but not as pale. */
const STROKE: Readonly<Record<CandleState, number>> = { final: 1, pending: 0.7, forming: 0.85 };

const CLEAR = "rgba(0, 0, 0, 0)";
const QUIET = { priceLineVisible: false, lastValueVisible: false } as const;

const candles: SeriesKind = {
  isJoined: false,
  isAveraged: false,
  add: (chart) => chart.addSeries(CandlestickSeries, { ...QUIET, borderVisible: true }),
  options: (colors) => bothWays(colors, colors.up),
  item: (time, { open, high, low, close }, { side, state }, colors) => {
    const bar = { time, open, high, low, close };
    if (side === "none") return { ...bar, color: shade(colors.muted, BODY[state]), borderColor: colors.muted, wickColor: colors.muted };
    return state === "final" ? bar : { ...bar, color: shade(colors[side], BODY[state]) };
  },
};

const hollow: SeriesKind = {
  ...candles,
  options: (colors) => bothWays(colors, CLEAR),
  item: (time, shape, look, colors) => {
    const bar = candles.item(time, shape, look, colors);
    return look.side === "up" ? { ...bar, color: CLEAR } : bar;
  },
};

const bars: SeriesKind = {
  ...candles,
  add: (chart) => chart.addSeries(BarSeries, { ...QUIET, thinBars: false }),
  options: ({ up, down }) => ({ upColor: up, downColor: down }),
  item: (time, { open, high, low, close }, { side, state }, colors) => {
    const bar = { time, open, high, low, close };
    return side !== "none" && state === "final" ? bar : { ...bar, color: shade(side === "none" ? colors.muted : colors[side], STROKE[state]) };
  },
};

const line: SeriesKind = {
  ...candles,
  isJoined: true,
  add: (chart) => chart.addSeries(LineSeries, { ...QUIET, lineWidth: 2, lineType: LineType.Simple }),
  options: ({ accent }) => ({ color: accent }),
  item: (time, { close }, { isBeforeGap }) => (isBeforeGap ? { time, value: close, color: CLEAR } : { time, value: close }),
};

const area: SeriesKind = {
  ...line,
  add: (chart) => chart.addSeries(AreaSeries, { ...QUIET, lineWidth: 2 }),
  options: ({ accent }) => ({ lineColor: accent, topColor: shade(accent, 0.28), bottomColor: shade(accent, 0.02) }),
  item: (time, { close }, { isBeforeGap }) => (isBeforeGap ? { time, value: close, lineColor: CLEAR, topColor: CLEAR, bottomColor: CLEAR } : { time, value: close }),
};

export const KINDS: Readonly<Record<ChartType, SeriesKind>> = { candles, hollow, bars, line, area, "heikin-ashi": { ...candles, isAveraged: true } };

/** Which way a candle went; neither if nothing traded in it. */
export function sideOf({ open, close, volume }: Shape & { readonly volume: number }): Side {
  if (volume === 0) return "none";
  return close >= open ? "up" : "down";
}

function bothWays({ up, down }: ThemeColors, upBody: string): SeriesOptions {
  return { upColor: upBody, downColor: down, borderUpColor: up, borderDownColor: down, wickUpColor: up, wickDownColor: down };
}

/** By colour and opacity; there are as many as colours and states. */
const shades = new Map<string, string>();

/** Each colour is worked out once for 100,000 bars. */
export function shade(color: string, opacity: number): string {
  const key = `${color} ${opacity}`;
  let made = shades.get(key);
  if (made === undefined) shades.set(key, (made = opacity === 1 ? color : alpha(color, opacity)));
  return made;
}
