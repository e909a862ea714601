// The chart as a picture: what the chart shows, with market, interval, candle, zone and moment above and its credit below.
// Never here: the chart itself (it hands out its canvas), where the picture goes.
// Invariant: nothing of the chart is scaled; the words are of the device's own pixels too.

import type { PointedCandle } from "../state/pageState.ts";
import type { ViewModel } from "../state/viewModel.ts";
import { candleText } from "./candleFiles.ts";
import { clockWithZone, day, zoneName } from "./format.ts";
import { shownZone } from "./shownZone.ts";
import { tokens } from "./theme.ts";

/** Heights of what stands above and below the chart, in CSS pixels. */
export const HEAD_PX = 48;
export const FOOT_PX = 24;
const EDGE_PX = 12;

interface Caption {
  readonly view: Pick<ViewModel, "symbol" | "interval" | "nowMs">;
  readonly candle: PointedCandle | null;
  readonly precision: number;
  readonly base: string;
}

/** The picture; `ratio` is how many of its pixels are one of CSS. */
export function pictureOf(chart: HTMLCanvasElement, ratio: number, { view, candle, precision, base }: Caption): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = chart.width;
  canvas.height = chart.height + Math.round((HEAD_PX + FOOT_PX) * ratio);
  const context = canvas.getContext("2d")!;
  const { bg, text, muted, line } = tokens();
  const [width, height] = [canvas.width / ratio, canvas.height / ratio];
  context.fillStyle = bg;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(chart, 0, Math.round(HEAD_PX * ratio));
  context.scale(ratio, ratio);
  context.fillStyle = line;
  context.fillRect(0, HEAD_PX - 1, width, 1);
  context.fillRect(0, height - FOOT_PX, width, 1);
  const say = (words: string, font: string, color: string, x: number, y: number, align: CanvasTextAlign) => {
    Object.assign(context, { font: `${font} system-ui, -apple-system, "Segoe UI", Roboto, sans-serif`, fillStyle: color, textAlign: align, textBaseline: "middle" });
    context.fillText(words, x, y, width - 2 * EDGE_PX);
  };
  const zone = shownZone.peek();
  const moment = `${day(view.nowMs, true)} ${clockWithZone(view.nowMs)}${zone.name === "UTC" ? "" : `, ${zoneName(zone)}`}`;
  say(`${view.symbol} · ${view.interval}`, "600 14px", text, EDGE_PX, 16, "left");
  say(moment, "12px", muted, width - EDGE_PX, 16, "right");
  if (candle !== null) say(candleText({ ...view, base }, candle, precision).replace(/^[^·]*· /, ""), "12px", muted, EDGE_PX, 35, "left");
  say("TrueCandle", "12px", muted, EDGE_PX, height - FOOT_PX / 2, "left");
  say("TradingView Lightweight Charts™ © 2025 TradingView, Inc.", "12px", muted, width - EDGE_PX, height - FOOT_PX / 2, "right");
  return canvas;
}
