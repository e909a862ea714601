// What a chart lets those see who draw on it beside its candles (chartFace.ts makes it easy to use).
// Never here: values; what is drawn.
// Invariant: types only.

import type { IChartApi, ISeriesApi, SeriesType } from "lightweight-charts";
import type { Candle, CandleInState } from "../candles/candle.ts";
import type { Series } from "../candles/series.ts";
import type { Times } from "../candles/places.ts";

/** What has changed of the bars: all of them, older ones came, official ones changed, or pending and forming ones alone. */
export interface BarsChange {
  readonly kind: "whole" | "older" | "official" | "live";
}

export type BarsListener = (change: BarsChange) => void;

export interface ChartInside {
  readonly api: IChartApi;
  /** The element that the chart is drawn in. */
  readonly root: HTMLElement;
  /** A series that stays whatever type of chart is chosen; its price scale is the candles'. */
  readonly series: ISeriesApi<SeriesType>;
  readonly shown: () => { readonly series: Series | null; readonly official: readonly Candle[]; readonly live: readonly CandleInState[] };
  /** Every place of the time axis, and the index of the first one that the library was given. */
  readonly times: () => Times & { readonly firstGiven: number };
  /** Told after the candles are drawn, within the same frame. */
  readonly listeners: Set<BarsListener>;
  /** To be told when panes were added or removed: some of what the chart draws goes through all of them. */
  readonly panesChanged: () => void;
}
