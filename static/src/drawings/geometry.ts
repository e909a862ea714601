// Drawings in pixels: the lines, areas and handles of each kind, and what a pointer is on.
// Never here: time and price (they have become pixels already), colours, a canvas.
// Invariant: what is drawn is what can be hit, and nothing else.

import type { DrawingKind } from "./drawing.ts";
import { LEVELS } from "./levels.ts";

export interface Px {
  readonly x: number;
  readonly y: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export type Segment = readonly [from: Px, to: Px];

/** All that one drawing is made of. */
export interface Outline {
  readonly lines: readonly Segment[];
  /** Thinner ones, that belong to it. */
  readonly helpers: readonly Segment[];
  /** Polygons that are filled, faintly. */
  readonly areas: readonly (readonly Px[])[];
  /** Where an arrow points to, and from which direction. */
  readonly head: Segment | null;
}

export interface Hit {
  /** A handle by its number, or the drawing's body. */
  readonly part: number | "body";
  readonly distance: number;
}

/** Between a ray's second point and where it ends, at least: beyond any screen. */
const FAR_PX = 20_000;

/** A handle is nearer than a line to whoever is on both. */
const HANDLE_BONUS_PX = 4;

/** How a kind with so many of its points set is drawn; fewer than it takes while it is being made. */
export function outline(kind: DrawingKind, points: readonly Px[], size: Size): Outline {
  const [a, b, c] = points;
  if (a === undefined) return outlineOf({});
  if (kind === "horizontal") return outlineOf({ lines: [[{ x: 0, y: a.y }, { x: size.width, y: a.y }]] });
  if (kind === "vertical") return outlineOf({ lines: [[{ x: a.x, y: 0 }, { x: a.x, y: size.height }]] });
  if (kind === "text" || b === undefined) return outlineOf({});
  switch (kind) {
    case "trend": return outlineOf({ lines: [[a, b]] });
    case "ray": return outlineOf({ lines: [[a, beyond(a, b)]] });
    case "arrow": return outlineOf({ lines: [[a, b]], head: [a, b] });
    case "rectangle": return box(a, b);
    case "measure": return { ...box(a, b), helpers: crossOf(a, b) };
    case "channel": return c === undefined ? outlineOf({ lines: [[a, b]] }) : channel(a, b, c);
    case "fibonacci": return fibonacci(a, b);
  }
}

/** Where the handles of a drawing are, in the order in which `movedHandle` knows them. */
export function handles(kind: DrawingKind, points: readonly Px[], size: Size): Px[] {
  const [a, b] = points;
  if (a === undefined) return [];
  if (kind === "horizontal") return [{ x: size.width / 2, y: a.y }];
  if (kind === "vertical") return [{ x: a.x, y: size.height / 2 }];
  if (kind === "rectangle" && b !== undefined) return [a, b, { x: a.x, y: b.y }, { x: b.x, y: a.y }];
  return [...points];
}

/** What of it lies within reach of a place; null: nothing. `label` is the box of its text. */
export function hit(
  { kind, points, size, label = null, hasHandles }:
  { readonly kind: DrawingKind; readonly points: readonly Px[]; readonly size: Size; readonly label?: readonly [Px, Px] | null; readonly hasHandles: boolean },
  at: Px, reachPx: number,
): Hit | null {
  const found = hasHandles ? handles(kind, points, size).map((handle, part) => ({ part, distance: distance(at, handle) })) : [];
  const nearest = found.filter(({ distance: away }) => away <= reachPx + HANDLE_BONUS_PX).sort((one, other) => one.distance - other.distance)[0];
  if (nearest !== undefined) return { ...nearest, distance: Math.max(0, nearest.distance - HANDLE_BONUS_PX) };
  const { lines, helpers, areas } = outline(kind, points, size);
  const away = Math.min(Infinity, ...[...lines, ...helpers].map((line) => toSegment(at, line)));
  if (away <= reachPx) return { part: "body", distance: away };
  if (label !== null && isInBox(at, label, reachPx / 2)) return { part: "body", distance: reachPx };
  return areas.some((corners) => isInside(at, corners)) ? { part: "body", distance: reachPx } : null;
}

/** How far a place is from the nearest point of a line that ends at both sides. */
export function toSegment(at: Px, [from, to]: Segment): number {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = dx * dx + dy * dy;
  const part = length === 0 ? 0 : Math.max(0, Math.min(1, ((at.x - from.x) * dx + (at.y - from.y) * dy) / length));
  return distance(at, { x: from.x + part * dx, y: from.y + part * dy });
}

export function distance(a: Px, b: Px): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

/** Whether a place lies within a polygon (even-odd). */
export function isInside({ x, y }: Px, corners: readonly Px[]): boolean {
  let isIn = false;
  for (let i = 0, j = corners.length - 1; i < corners.length; j = i, i += 1) {
    const [a, b] = [corners[i]!, corners[j]!];
    if ((a.y > y) !== (b.y > y) && x < ((b.x - a.x) * (y - a.y)) / (b.y - a.y) + a.x) isIn = !isIn;
  }
  return isIn;
}

/** The second point where only a multiple of 45° counts, as with Shift held. */
export function straightened(from: Px, to: Px): Px {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const turn = Math.PI / 4;
  const angle = Math.round(Math.atan2(dy, dx) / turn) * turn;
  const length = dx * Math.cos(angle) + dy * Math.sin(angle);
  return { x: from.x + length * Math.cos(angle), y: from.y + length * Math.sin(angle) };
}

function outlineOf({ lines = [], helpers = [], areas = [], head = null }: Partial<Outline>): Outline {
  return { lines, helpers, areas, head };
}

/** Through both, so far that no screen ends later. */
function beyond(from: Px, through: Px): Px {
  const length = distance(from, through);
  if (length === 0) return through;
  const factor = Math.max(1, FAR_PX / length);
  return { x: from.x + (through.x - from.x) * factor, y: from.y + (through.y - from.y) * factor };
}

function box(a: Px, b: Px): Outline {
  const corners = [a, { x: b.x, y: a.y }, b, { x: a.x, y: b.y }];
  return outlineOf({ lines: corners.map((corner, at) => [corner, corners[(at + 1) % 4]!] as const), areas: [corners] });
}

function crossOf(a: Px, b: Px): Segment[] {
  const [x, y] = [(a.x + b.x) / 2, (a.y + b.y) / 2];
  return [[{ x, y: a.y }, { x, y: b.y }], [{ x: a.x, y }, { x: b.x, y }]];
}

/** A line, another one through the third point, and one between them. */
function channel(a: Px, b: Px, c: Px): Outline {
  const slope = b.x === a.x ? 0 : (b.y - a.y) / (b.x - a.x);
  const off = c.y - (a.y + (c.x - a.x) * slope);
  const lifted = (part: number): Segment => [{ x: a.x, y: a.y + off * part }, { x: b.x, y: b.y + off * part }];
  const other = lifted(1);
  return outlineOf({ lines: [[a, b], other], helpers: [lifted(0.5)], areas: [[a, b, other[1], other[0]]] });
}

/** Levels from the second point (0) to the first (1), as wide as both are apart. */
function fibonacci(a: Px, b: Px): Outline {
  const at = (level: number) => b.y + (a.y - b.y) * level;
  const lines = LEVELS.map((level): Segment => [{ x: Math.min(a.x, b.x), y: at(level) }, { x: Math.max(a.x, b.x), y: at(level) }]);
  const areas = LEVELS.slice(1).map((level, before) => {
    const [top, bottom] = [at(LEVELS[before]!), at(level)];
    return [{ x: a.x, y: top }, { x: b.x, y: top }, { x: b.x, y: bottom }, { x: a.x, y: bottom }];
  });
  return outlineOf({ lines, helpers: [[a, b]], areas });
}

function isInBox({ x, y }: Px, [from, to]: readonly [Px, Px], slackPx: number): boolean {
  return x >= from.x - slackPx && x <= to.x + slackPx && y >= from.y - slackPx && y <= to.y + slackPx;
}
