// The line above the candles: open, high, low, close, change, volume, time and state of one candle.
// Never here: which candle that is (the chart decides), how it is drawn.
// Invariant: what is shown is one candle's own values, with its state in words.

import type { JSX } from "preact";
import type { PointedCandle, PointedHole } from "../state/pageState.ts";
import { candleState, change, fullMoment, moment, price, volume } from "./format.ts";
import type { Pane } from "./page.ts";
import { holeWords } from "./gapWords.ts";

const PRICES = [["open", "O", "pen"], ["high", "H", "igh"], ["low", "L", "ow"], ["close", "C", "lose"]] as const;

export function Legend({ page: { state, markets, preferences, id } }: { readonly page: Pane }): JSX.Element {
  const candle = state.pointed.value;
  const view = state.view.value;
  const hole = state.hole.value;
  if (hole !== null && view !== null) return <HoleLegend id={id("legend")} hole={hole} interval={view.interval} nowMs={view.nowMs} />;
  const precision = state.precision.value;
  // A candle is pointed at as soon as the chart has it; its market's decimals come with the next frame.
  if (candle === null || view === null || precision < 0) return <dl id={id("legend")} class="legend is-empty" />;
  const { symbol, interval, nowMs } = view;
  const base = markets.list.value.find((market) => market.symbol === symbol)?.base ?? "";
  const isAveraged = preferences.of("type").value === "heikin-ashi";
  return (
    <dl id={id("legend")} class="legend" data-direction={direction(candle)} data-state={candle.state}>
      <div class="legend-time"><dt class="sr">Time</dt><dd data-cell="time" title={fullMoment(candle.time, interval)}>{moment(candle.time, interval, nowMs)}</dd></div>
      {PRICES.map(([name, letter, rest]) => (
        <div key={name} class={name === "close" ? "legend-close" : undefined}><dt>{letter}<span class="sr">{rest}</span></dt><dd data-cell={name}>{price(candle[name], precision)}</dd></div>
      ))}
      <div class="legend-change"><dt class="sr">Change</dt><dd data-cell="change">{change(candle.open, candle.close)}</dd></div>
      <div class="legend-volume"><dt>V<span class="sr">olume</span></dt><dd data-cell="volume">{volume(candle.volume)}{base === "" ? null : <span class="legend-unit"> {base}</span>}</dd></div>
      <div class="legend-state"><dt class="sr">State</dt><dd data-cell="state">{candleState(candle.state)}{candle.isCorrected ? ", corrected" : ""}</dd></div>
      {isAveraged ? <div class="legend-type"><dt class="sr">Drawn</dt><dd data-cell="type">drawn as Heikin Ashi, values of the candle itself</dd></div> : null}
    </dl>
  );
}

/** Where no candle is: the place and why, and no other candle's values. */
function HoleLegend({ id, hole, interval, nowMs }: { readonly id: string; readonly hole: PointedHole; readonly interval: string; readonly nowMs: number }): JSX.Element {
  return (
    <dl id={id} class="legend" data-state="gap">
      <div class="legend-time"><dt class="sr">Time</dt><dd data-cell="time" title={fullMoment(hole.time, interval)}>{moment(hole.time, interval, nowMs)}</dd></div>
      <div class="legend-state"><dt class="sr">State</dt><dd data-cell="state">{holeWords(hole, interval, nowMs)}</dd></div>
    </dl>
  );
}

/** Which way it went; nowhere where it ended as it began. */
function direction({ open, close }: PointedCandle) {
  if (open === close) return "none";
  return close > open ? "up" : "down";
}

/** The same in one sentence, for those who move by keys and hear it. */
export function spoken(candle: PointedCandle, { interval, nowMs, closesInMs }: { readonly interval: string; readonly nowMs: number; readonly closesInMs: number | null }, precision: number): string {
  const prices = PRICES.map(([name, letter, rest]) => `${letter}${rest} ${price(candle[name], precision)}`);
  const parts = [
    `Time ${moment(candle.time, interval, nowMs)}`, ...prices, `Change ${change(candle.open, candle.close)}`,
    `Volume ${volume(candle.volume)}`, `State ${candleState(candle.state, closesInMs)}${candle.isCorrected ? ", corrected by the exchange" : ""}`,
  ];
  return parts.join(", ");
}
