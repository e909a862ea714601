// Paints one drawing onto a canvas: its lines, areas, words and handles.
// Never here: where its points are (space.ts), what can be hit (drawings/geometry.ts).
// Invariant: sizes are those of the page's pixels, whatever the screen's; a text's box is where the text is.

import type { Drawing, Style } from "../../drawings/drawing.ts";
import { handles, outline, type Px, type Segment, type Size } from "../../drawings/geometry.ts";
import { levelPrices, measured } from "../../drawings/levels.ts";
import { levelWords, measureWords } from "../../ui/drawingWords.ts";
import { alpha } from "../../ui/theme.ts";
import type { Space } from "./space.ts";

export type Box = readonly [from: Px, to: Px];

export interface Look {
  readonly colors: Readonly<Record<Style["color"], string>>;
  readonly bg: string;
}

interface Painted {
  readonly drawing: Drawing;
  /** As many as are set. */
  readonly points: readonly Px[];
  readonly space: Space;
  readonly look: Look;
  readonly hasHandles: boolean;
}

interface Ink {
  readonly space: Space;
  readonly look: Look;
  readonly color: string;
}

const FONT = "12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
const LINE_PX = 16;
const PAD_PX = 5;
const AREA = 0.1;
const HELPER = 0.55;
const HEAD_PX = 9;
const HANDLE_PX = 4.5;
const DASH = { solid: [], dashed: [6, 4], dotted: [1.5, 3.5] } as const satisfies Record<Style["dash"], readonly number[]>;

/** The box of its words, for those who point at it; null where it has none. */
export function paint(context: CanvasRenderingContext2D, painted: Painted): Box | null {
  const { drawing: { kind, style }, points, space, look } = painted;
  const color = look.colors[style.color];
  const { lines, helpers, areas, head } = outline(kind, points, space.size);
  context.save();
  context.strokeStyle = context.fillStyle = color;
  context.lineCap = style.dash === "dotted" ? "round" : "butt";
  fill(context, areas, alpha(color, AREA));
  context.lineWidth = 1;
  context.setLineDash([3, 3]);
  stroke(context, helpers, alpha(color, HELPER));
  context.lineWidth = style.width;
  context.setLineDash(DASH[style.dash].map((px) => px * Math.max(1, style.width / 2)));
  stroke(context, lines, color);
  context.setLineDash([]);
  if (head !== null) arrowHead(context, head, style.width);
  const box = words(context, painted, color);
  if (painted.hasHandles) knobs(context, painted, color);
  context.restore();
  return box;
}

function fill(context: CanvasRenderingContext2D, areas: readonly (readonly Px[])[], color: string) {
  context.save();
  context.fillStyle = color;
  for (const corners of areas) {
    context.beginPath();
    corners.forEach(({ x, y }, at) => (at === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
    context.fill();
  }
  context.restore();
}

function stroke(context: CanvasRenderingContext2D, lines: readonly Segment[], color: string) {
  context.strokeStyle = color;
  context.beginPath();
  for (const [from, to] of lines) {
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
  }
  context.stroke();
}

function arrowHead(context: CanvasRenderingContext2D, [from, to]: Segment, width: number) {
  const angle = Math.atan2(to.y - from.y, to.x - from.x);
  const size = HEAD_PX + 2 * width;
  context.beginPath();
  context.moveTo(to.x, to.y);
  for (const turn of [2.65, -2.65]) context.lineTo(to.x + size * Math.cos(angle + turn), to.y + size * Math.sin(angle + turn));
  context.fill();
}

/** What a drawing says: its own text, its levels, what it measures. */
function words(context: CanvasRenderingContext2D, { drawing, points, space, look }: Painted, color: string): Box | null {
  const { kind, text } = drawing;
  const [a, b] = points;
  if (a === undefined) return null;
  context.font = FONT;
  context.textBaseline = "middle";
  if (kind === "fibonacci" && b !== undefined) levels(context, drawing, [a, b], { space, look, color });
  if (kind === "measure" && b !== undefined) return measure(context, drawing, [a, b], { space, look, color });
  if (kind === "text") return label(context, (text || "Text").split("\n"), a, { bg: look.bg, color });
  if (text === "") return null;
  return label(context, text.split("\n"), textPlace(kind, a, b ?? a, space.size), { bg: look.bg, color });
}

/** Beside their lines at the left, on a ground of their own. */
function levels(context: CanvasRenderingContext2D, { points: [first, second] }: Drawing, [a, b]: Box, { space, look, color }: Ink) {
  if (first === undefined || second === undefined) return;
  const x = Math.min(a.x, b.x);
  for (const { level, price } of levelPrices(first.price, second.price)) {
    const y = b.y + (a.y - b.y) * level;
    label(context, [levelWords(level, price, space.axes.precision)], { x: x + 1, y: y - LINE_PX - PAD_PX }, { bg: look.bg, color });
  }
}

function measure(context: CanvasRenderingContext2D, { points: [first, second] }: Drawing, [a, b]: Box, { space, look, color }: Ink): Box | null {
  if (first === undefined || second === undefined) return null;
  const { times, interval, precision } = space.axes;
  const said = measureWords(measured(first, second, times, interval), precision).split(" · ");
  const isUp = b.y <= a.y;
  const y = isUp ? Math.min(a.y, b.y) - said.length * LINE_PX - 3 * PAD_PX : Math.max(a.y, b.y) + 3 * PAD_PX;
  return label(context, said, { x: (a.x + b.x) / 2, y: Math.max(2 * PAD_PX, Math.min(space.size.height - said.length * LINE_PX - 2 * PAD_PX, y)) }, { bg: look.bg, color, isCentred: true });
}

/** Above the first point of lines; inside of shapes; at the left end of a horizontal line. */
function textPlace(kind: Drawing["kind"], a: Px, b: Px, { width }: Size): Px {
  if (kind === "horizontal") return { x: Math.max(PAD_PX, Math.min(width - 80, 12)), y: a.y - LINE_PX - PAD_PX };
  if (kind === "vertical") return { x: a.x + PAD_PX, y: LINE_PX };
  return { x: Math.min(a.x, b.x) + PAD_PX, y: Math.min(a.y, b.y) - (kind === "rectangle" ? -PAD_PX : LINE_PX + PAD_PX) };
}

/** Lines of text on a ground of their own, so that candles behind them do not blur them. */
function label(
  context: CanvasRenderingContext2D, lines: readonly string[], at: Px,
  { bg, color, isCentred = false }: { readonly bg: string; readonly color: string; readonly isCentred?: boolean },
): Box {
  const width = Math.max(...lines.map((line) => context.measureText(line).width)) + 2 * PAD_PX;
  const height = lines.length * LINE_PX + PAD_PX;
  const x = isCentred ? at.x - width / 2 : at.x;
  context.fillStyle = alpha(bg, 0.85);
  context.beginPath();
  context.roundRect(x, at.y, width, height, 4);
  context.fill();
  context.fillStyle = color;
  lines.forEach((line, row) => context.fillText(line, x + PAD_PX, at.y + PAD_PX / 2 + (row + 0.5) * LINE_PX));
  return [{ x, y: at.y }, { x: x + width, y: at.y + height }];
}

function knobs(context: CanvasRenderingContext2D, { drawing: { kind }, points, space, look }: Painted, color: string) {
  context.lineWidth = 1.5;
  context.strokeStyle = color;
  context.fillStyle = look.bg;
  for (const { x, y } of handles(kind, points, space.size)) {
    context.beginPath();
    context.arc(x, y, HANDLE_PX, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  }
}
