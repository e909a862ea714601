// Where the candles in sight stand on the chart, for what is drawn beside them.
// Never here: values, drawing.
// Invariant: only places that the chart has; where it shows a gap between two candles, nothing is joined.

import type { IChartApiBase, Time } from "lightweight-charts";
import type { Candle } from "../../candles/candle.ts";
import { toChartTime, toMs } from "../chartTime.ts";

export interface Places {
  /** The candle's index that the first place is of; places go on beyond the last candle. */
  readonly first: number;
  /** The middle of each, in pixels. */
  readonly x: Float64Array;
  /** 1: a gap is shown before it. */
  readonly isApart: Uint8Array;
  /** Pixels from one to the next. */
  readonly spacing: number;
}

interface Listed {
  readonly candles: readonly Candle[];
  readonly indexOf: (timeMs: number) => number;
}

/** Those in sight and one more on either side; `beyond`: so many after the last candle. Null where there are none. */
export function placesInSight(chart: IChartApiBase<Time>, { candles, indexOf }: Listed, beyond: number): Places | null {
  const scale = chart.timeScale();
  const range = scale.getVisibleRange();
  if (range === null || candles.length === 0) return null;
  const logical = (index: number) => scale.timeToIndex(toChartTime(candles[index]!.time));
  let first = Math.max(0, indexOf(toMs(range.from)) - 1);
  let last = Math.min(candles.length - 1, indexOf(toMs(range.to)) + 1);
  while (first <= last && logical(first) === null) first += 1;
  while (last >= first && logical(last) === null) last -= 1;
  if (last < first) return null;
  const at = logical(first)!;
  const [start, next] = [scale.logicalToCoordinate(at as never), scale.logicalToCoordinate((at + 1) as never)];
  if (start === null || next === null) return null;
  const count = last - first + 1 + (last === candles.length - 1 ? beyond : 0);
  const [x, isApart, spacing] = [new Float64Array(count), new Uint8Array(count), next - start];
  const isEven = logical(last)! - at === last - first;
  let before = at - 1;
  for (let i = 0; i < count; i += 1) {
    const place = isEven || first + i > last ? before + 1 : logical(first + i)!;
    x[i] = start + (place - at) * spacing;
    isApart[i] = place === before + 1 ? 0 : 1;
    before = place;
  }
  return { first, x, isApart, spacing };
}
