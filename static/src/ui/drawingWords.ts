// The words of drawings: what a kind is called, what a measure tells, what a reader hears of one.
// Never here: drawing itself, the DOM.
// Invariant: numbers carry their unit, and a fall its sign.

import type { Drawing, DrawingKind } from "../drawings/drawing.ts";
import type { Measured } from "../drawings/levels.ts";
import { fullMoment, moment, price } from "./format.ts";

export const KIND_NAMES: Readonly<Record<DrawingKind, string>> = {
  trend: "Trend line", ray: "Ray", horizontal: "Horizontal line", vertical: "Vertical line", channel: "Channel", rectangle: "Rectangle",
  fibonacci: "Fibonacci retracement", arrow: "Arrow", text: "Text", measure: "Measure",
};

const UNITS = [["d", 86_400_000], ["h", 3_600_000], ["m", 60_000], ["s", 1_000]] as const;

/** `+12.50 (+1.25 %) · 24 bars, 2 h`. */
export function measureWords({ change, percent, bars, ms }: Measured, precision: number): string {
  const share = percent === null ? "" : ` (${signed(percent, 2)} %)`;
  return `${signed(change, precision)}${share} · ${bars.toLocaleString("en-US")} ${Math.abs(bars) === 1 ? "bar" : "bars"}, ${spanWords(ms)}`;
}

/** The two largest units of a span: `2 d 3 h`. */
export function spanWords(ms: number): string {
  let left = Math.abs(ms);
  const parts = UNITS.flatMap(([unit, size]) => {
    const count = Math.floor(left / size);
    left -= count * size;
    return count > 0 ? [`${count} ${unit}`] : [];
  });
  return `${ms < 0 ? "−" : ""}${parts.slice(0, 2).join(" ") || "0 s"}`;
}

export function levelWords(level: number, value: number, precision: number): string {
  return `${level}  ${price(value, precision)}`;
}

/** What a reader hears of a drawing: its kind, its state, where it is. */
export function drawingWords(drawing: Drawing, precision: number, interval: string): string {
  const { kind, text, locked, hidden } = drawing;
  const states = [locked ? "locked" : "", hidden ? "hidden" : ""].filter((word) => word !== "");
  const named = text === "" ? KIND_NAMES[kind] : `${KIND_NAMES[kind]} “${text}”`;
  return `${[named, ...states].join(", ")}: ${placesWords(drawing, precision, interval)}.`;
}

/** Where it is anchored; a horizontal line has a price alone, a vertical one a time. */
export function placesWords({ kind, points }: Drawing, precision: number, interval: string): string {
  return points.map((point) => {
    const [time, value] = [fullMoment(point.time, interval), price(point.price, precision)];
    return kind === "horizontal" ? value : kind === "vertical" ? time : `${time}, ${value}`;
  }).join(" to ");
}

/** Where it begins, as short as it can be told. */
export function placeWords({ kind, points: [first] }: Drawing, precision: number, interval: string, nowMs: number): string {
  const [time, value] = [moment(first!.time, interval, nowMs), price(first!.price, precision)];
  return kind === "horizontal" ? value : kind === "vertical" ? time : `${time}, ${value}`;
}

function signed(value: number, digits: number): string {
  const text = price(Math.abs(value), Math.max(0, digits));
  return value < 0 ? `−${text}` : `+${text}`;
}
