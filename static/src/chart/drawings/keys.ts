// Drawing, selecting, moving and removing by keys, on the chart that has the focus.
// Never here: pointers (hand.ts); the chart's own keys, which mean what they did where nothing is drawn or selected.
// Invariant: every key that does something says so; Tab leaves the chart after the last drawing, and at once after Escape.

import { KINDS, type Anchor, type Drawing, type DrawingKind } from "../../drawings/drawing.ts";
import { moved, rounded } from "../../drawings/edit.ts";
import type { DrawingDesk } from "../../state/drawingDesk.ts";
import { KIND_NAMES } from "../../ui/drawingWords.ts";
import type { DrawingHand } from "./hand.ts";
import type { DrawingLayer } from "./layer.ts";
import type { Space } from "./space.ts";

interface KeyParts {
  readonly root: HTMLElement;
  readonly desk: DrawingDesk;
  readonly layer: DrawingLayer;
  readonly hand: DrawingHand;
  /** Where the crosshair begins: the candle that is pointed at, or the newest. */
  readonly start: () => Anchor | null;
  /** Puts the crosshair there and brings it into sight. */
  readonly point: (anchor: Anchor) => void;
  readonly say: (words: string) => void;
  readonly words: (drawing: Drawing) => string;
  readonly placeWords: (anchor: Anchor) => string;
}

/** Pixels that a price moves at a press; with Shift ten times as many. */
const STEP_PX = 4;
const LARGE = 10;

const WAYS: Readonly<Record<string, readonly [bars: number, up: number]>> = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1],
};

export class DrawingKeys {
  readonly #parts: KeyParts;
  /** Where the crosshair is while a tool is in hand; null: not moved yet. */
  #pen: Anchor | null = null;
  #mayTab = true;

  constructor(parts: KeyParts) {
    this.#parts = parts;
    const { root, desk } = parts;
    root.addEventListener("keydown", (event) => this.#pressed(event), { capture: true });
    root.addEventListener("focusout", () => { this.#mayTab = true; });
    desk.tool.subscribe(() => { this.#pen = null; });
  }

  #pressed(event: KeyboardEvent) {
    const { altKey, ctrlKey, metaKey } = event;
    if (altKey || ctrlKey || metaKey || event.target !== this.#parts.root) return;
    const tool = this.#parts.desk.tool.peek();
    const isOurs = tool === null ? this.#edit(event) : this.#draw(tool, event);
    if (!isOurs) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  #draw(tool: DrawingKind, { key, shiftKey }: KeyboardEvent): boolean {
    const { desk, hand, layer, say } = this.#parts;
    const [way, space] = [WAYS[key], layer.space];
    if (key === "Escape") {
      if (hand.isDrawing) hand.cancel();
      else desk.take(null);
      say(desk.tool.peek() === null ? "Tool put away." : "Begun anew.");
      return true;
    }
    if (space === null || (way === undefined && key !== "Enter")) return false;
    const pen = this.#pen ?? this.#parts.start();
    if (pen === null) return true;
    if (way === undefined) this.#put(tool, pen);
    else this.#carry(tool, stepped(pen, way, shiftKey ? LARGE : 1, space));
    return true;
  }

  #put(tool: DrawingKind, pen: Anchor) {
    const { desk, hand, say, placeWords } = this.#parts;
    this.#pen = pen;
    this.#parts.point(pen);
    const before = desk.selected.peek();
    hand.put(tool, pen);
    if (hand.isDrawing || desk.selected.peek() === before) say(`Point set at ${placeWords(pen)}. ${hand.isDrawing ? "Go to the next one and press Enter." : ""}`);
  }

  #carry(tool: DrawingKind, pen: Anchor) {
    const { hand, say, placeWords, point } = this.#parts;
    this.#pen = pen;
    point(pen);
    if (hand.isDrawing || KINDS[tool].points === 1) hand.preview(tool, pen);
    say(`${placeWords(pen)}.`);
  }

  #edit({ key, shiftKey }: KeyboardEvent): boolean {
    const { desk, layer, say } = this.#parts;
    const [drawing, way] = [desk.current, WAYS[key]];
    const isHere = drawing !== null && desk.selected.peek()?.symbol === layer.symbol;
    if (key === "Tab") return this.#next(shiftKey ? -1 : 1);
    if (!isHere) {
      if (key === "Escape") this.#mayTab = false; // and the chart's own Escape
      return false;
    }
    if (way !== undefined) return this.#nudge(drawing, way, shiftKey ? LARGE : 1);
    if (key === "Delete" || key === "Backspace") {
      if (drawing.locked) say("Locked: unlock it first.");
      else {
        desk.removeSelected();
        say(`${KIND_NAMES[drawing.kind]} removed. Control Z brings it back.`);
      }
      return true;
    }
    if (key === "Enter") {
      desk.writing.value = desk.selected.peek();
      return true;
    }
    if (key !== "Escape") return false;
    desk.select(null);
    this.#mayTab = false;
    say("Nothing selected.");
    return true;
  }

  /** The next drawing in sight; after the last one, as before the first, Tab leaves the chart. */
  #next(by: 1 | -1): boolean {
    const { desk, layer, say, words } = this.#parts;
    const [space, symbol] = [layer.space, layer.symbol];
    if (!this.#mayTab || space === null || symbol === null) return false;
    const list = desk.of(symbol).list.peek().filter((one) => !one.hidden && !desk.areHidden.peek() && isInSight(one, space));
    const at = list.findIndex(({ id }) => id === desk.selected.peek()?.id);
    const next = list[at < 0 ? (by > 0 ? 0 : list.length - 1) : at + by];
    if (next === undefined) {
      desk.select(null);
      return false;
    }
    desk.select({ symbol, id: next.id });
    say(`Selected: ${words(next)}`);
    return true;
  }

  #nudge(drawing: Drawing, [bars, up]: readonly [number, number], factor: number): boolean {
    const { desk, layer, say, words } = this.#parts;
    const space = layer.space;
    if (space === null) return true;
    if (drawing.locked) {
      say("Locked: unlock it first.");
      return true;
    }
    const price = (before: number) => (up === 0 ? before : raised(before, up * factor, space));
    const next = moved(drawing, bars * factor, price, space.axes);
    desk.change({ points: next.points });
    say(words(next));
    return true;
  }
}

function stepped(pen: Anchor, [bars, up]: readonly [number, number], factor: number, space: Space): Anchor {
  const at = space.toPx(pen);
  if (at === null) return pen;
  const time = bars === 0 ? pen.time : (space.toAnchor({ x: at.x + bars * factor * space.barPx, y: at.y })?.time ?? pen.time);
  return { time, price: up === 0 ? pen.price : raised(pen.price, up * factor, space) };
}

/** So many steps up as the price axis stands: at least by one tick. */
function raised(price: number, steps: number, space: Space): number {
  const y = space.toY(price);
  const moved = y === null ? null : space.toPrice(y - steps * STEP_PX);
  if (moved !== null && moved !== price) return moved;
  return rounded(price + steps * 10 ** -Math.max(0, space.axes.precision), space.axes.precision);
}

function isInSight({ kind, points }: Drawing, space: Space): boolean {
  const places = points.map((point) => space.toPx(point)).filter((place) => place !== null);
  if (kind === "horizontal") return places.some(({ y }) => y >= 0 && y <= space.size.height);
  const left = Math.min(...places.map(({ x }) => x));
  const right = kind === "ray" ? Infinity : Math.max(...places.map(({ x }) => x));
  return right >= 0 && left <= space.size.width;
}
