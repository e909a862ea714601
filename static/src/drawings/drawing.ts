// A drawing: its kind, the points in time and price that it is anchored by, and how it looks.
// Never here: where it lies on a screen (geometry.ts), words for people.
// Invariant: the same kinds, styles and bounds as the server's (truecandle/web/drawings.py).

import { decimals } from "../candles/candle.ts";
import { isMoment } from "../candles/interval.ts";

/** Of each kind how many points anchor it, and which way its handles go. */
export const KINDS = {
  horizontal: { points: 1, moves: "price" },
  vertical: { points: 1, moves: "time" },
  trend: { points: 2, moves: "both" },
  ray: { points: 2, moves: "both" },
  channel: { points: 3, moves: "both" },
  rectangle: { points: 2, moves: "both" },
  fibonacci: { points: 2, moves: "both" },
  text: { points: 1, moves: "both" },
  arrow: { points: 2, moves: "both" },
  measure: { points: 2, moves: "both" },
} as const;

export type DrawingKind = keyof typeof KINDS;

/** Names of the page's tokens. */
export const COLORS = ["accent", "text", "muted", "green", "red", "blue", "orange", "warn"] as const;
export const WIDTHS = [1, 2, 3, 4] as const;
export const DASHES = ["solid", "dashed", "dotted"] as const;
export const DRAWINGS_MAX = 500;
export const TEXT_CHARS_MAX = 200;

export interface Style {
  readonly color: (typeof COLORS)[number];
  readonly width: (typeof WIDTHS)[number];
  readonly dash: (typeof DASHES)[number];
}

/** A moment, on a candle or anywhere else, in ms since 1970 (UTC), and a price. */
export interface Anchor {
  readonly time: number;
  readonly price: number;
}

export interface Drawing {
  readonly id: string;
  readonly kind: DrawingKind;
  readonly points: readonly Anchor[];
  readonly style: Style;
  readonly text: string;
  readonly locked: boolean;
  readonly hidden: boolean;
}

/** As the server keeps it: what is usual is left out, prices are decimal text. */
export interface DrawingFields {
  readonly id: string;
  readonly kind: DrawingKind;
  readonly points: readonly { readonly time: number; readonly price: string }[];
  readonly style?: Partial<Style>;
  readonly text?: string;
  readonly locked?: boolean;
  readonly hidden?: boolean;
}

export const USUAL_STYLE: Style = Object.freeze({ color: "accent", width: 2, dash: "solid" });

const ID = /^[A-Za-z0-9_-]{1,16}$/;
const PRICE = /^\d{1,20}(\.\d{1,18})?$/;
const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";
const ID_CHARS = 10;

/** An id that none of the others has; `random` gives numbers from 0 to 1. */
export function newId(taken: readonly Drawing[], random: () => number): string {
  const others = new Set(taken.map(({ id }) => id));
  for (;;) {
    const id = Array.from({ length: ID_CHARS }, () => LETTERS[Math.floor(random() * LETTERS.length)]!).join("");
    if (!others.has(id)) return id;
  }
}

/** The drawings of a list that came from elsewhere; what is none is left out, as is what is there twice. */
export function readDrawings(given: unknown): Drawing[] {
  const found = new Map<string, Drawing>();
  for (const one of Array.isArray(given) ? given.slice(0, DRAWINGS_MAX) : []) {
    const drawing = readDrawing(one);
    if (drawing !== null && !found.has(drawing.id)) found.set(drawing.id, drawing);
  }
  return [...found.values()];
}

/** For the server and the browser's store. */
export function writeDrawings(drawings: readonly Drawing[]): DrawingFields[] {
  return drawings.map(({ id, kind, points, style, text, locked, hidden }) => {
    const own = Object.entries(style).filter(([name, value]) => value !== USUAL_STYLE[name as keyof Style]);
    return {
      id, kind, points: points.map(({ time, price }) => ({ time, price: priceText(price) })),
      ...(own.length > 0 ? { style: Object.fromEntries(own) } : {}),
      ...(text !== "" ? { text } : {}), ...(locked ? { locked } : {}), ...(hidden ? { hidden } : {}),
    };
  });
}

/** Whether two drawings are the same in all that is kept of them. */
export function isSame(a: Drawing, b: Drawing): boolean {
  return a === b || JSON.stringify(writeDrawings([a])) === JSON.stringify(writeDrawings([b]));
}

/** A price without an exponent. */
export function priceText(price: number): string {
  return price.toFixed(decimals(price));
}

function readDrawing(given: unknown): Drawing | null {
  if (!isObject(given)) return null;
  const { id, kind, points, style, text = "", locked = false, hidden = false } = given;
  if (typeof id !== "string" || !ID.test(id) || typeof kind !== "string" || !Object.hasOwn(KINDS, kind)) return null;
  if (typeof text !== "string" || typeof locked !== "boolean" || typeof hidden !== "boolean") return null;
  const anchors = Array.isArray(points) ? points.map(readAnchor) : [];
  if (anchors.length !== KINDS[kind as DrawingKind].points || anchors.includes(null)) return null;
  return Object.freeze({
    id, kind: kind as DrawingKind, points: anchors as Anchor[], style: readStyle(style), text: text.slice(0, TEXT_CHARS_MAX), locked, hidden,
  });
}

function readAnchor(given: unknown): Anchor | null {
  if (!isObject(given) || !isMoment(given.time) || typeof given.price !== "string" || !PRICE.test(given.price)) return null;
  return { time: given.time, price: Number(given.price) };
}

function readStyle(given: unknown): Style {
  const { color, width, dash } = isObject(given) ? given : {};
  return {
    color: one(COLORS, color) ?? USUAL_STYLE.color, width: one(WIDTHS, width) ?? USUAL_STYLE.width, dash: one(DASHES, dash) ?? USUAL_STYLE.dash,
  };
}

function one<T>(allowed: readonly T[], value: unknown): T | undefined {
  return allowed.find((each) => each === value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
