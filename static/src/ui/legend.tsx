// The line above the candles: open, high, low, close, change, volume, time and state of one candle.
// Never here: which candle that is (the chart decides), how it is drawn.
// Invariant: what is shown is one candle's own values, with its state in words.

import type { JSX } from "preact";
import type { PointedCandle } from "../state/pageState.ts";
import { candleState, change, fullMoment, moment, price, volume } from "./format.ts";
import type { Page } from "./page.ts";

const PRICES = [["open", "O", "pen"], ["high", "H", "igh"], ["low", "L", "ow"], ["close", "C", "lose"]] as const;

export function Legend({ page: { state } }: { readonly page: Page }): JSX.Element {
  const candle = state.pointed.value;
  const view = state.view.value;
  const precision = state.precision.value;
  // A candle is pointed at as soon as the chart has it; its market's decimals come with the next frame.
  if (candle === null || view === null || precision < 0) return <dl id="legend" class="legend is-empty" />;
  const { interval, nowMs, closesInMs } = view;
  return (
    <dl id="legend" class="legend" data-direction={candle.close >= candle.open ? "up" : "down"} data-state={candle.state}>
      <div class="legend-time"><dt class="sr">Time</dt><dd data-cell="time" title={fullMoment(candle.time, interval)}>{moment(candle.time, interval, nowMs)}</dd></div>
      {PRICES.map(([name, letter, rest]) => (
        <div key={name}><dt>{letter}<span class="sr">{rest}</span></dt><dd data-cell={name}>{price(candle[name], precision)}</dd></div>
      ))}
      <div><dt class="sr">Change</dt><dd data-cell="change">{change(candle.open, candle.close)}</dd></div>
      <div class="legend-volume"><dt>V<span class="sr">olume</span></dt><dd data-cell="volume">{volume(candle.volume)}</dd></div>
      <div class="legend-state"><dt class="sr">State</dt><dd data-cell="state">{candleState(candle.state, closesInMs)}</dd></div>
    </dl>
  );
}

/** The same in one sentence, for those who move by keys and hear it. */
export function spoken(candle: PointedCandle, { interval, nowMs, closesInMs }: { readonly interval: string; readonly nowMs: number; readonly closesInMs: number | null }, precision: number): string {
  const prices = PRICES.map(([name, letter, rest]) => `${letter}${rest} ${price(candle[name], precision)}`);
  const parts = [
    `Time ${moment(candle.time, interval, nowMs)}`, ...prices, `Change ${change(candle.open, candle.close)}`,
    `Volume ${volume(candle.volume)}`, `State ${candleState(candle.state, closesInMs)}`,
  ];
  return parts.join(", ");
}
