// Drawing, selecting and moving by pointer: a mouse, a pen, a finger.
// Never here: keys (keys.ts), painting, what is kept.
// Invariant: what is meant for a drawing never moves the chart, and what is meant for the chart never a drawing.

import { KINDS, type Anchor, type Drawing, type DrawingKind } from "../../drawings/drawing.ts";
import { moved, movedHandle } from "../../drawings/edit.ts";
import { distance, straightened, type Hit, type Px } from "../../drawings/geometry.ts";
import { attracted, type MagnetBar } from "../../drawings/magnet.ts";
import type { DrawingDesk } from "../../state/drawingDesk.ts";
import { MOUSE_REACH_PX, type DrawingLayer } from "./layer.ts";
import type { Space } from "./space.ts";

const FINGER_REACH_PX = 16;

/** A pointer that has gone no further than this has clicked. */
const CLICK_PX = 5;

/** So near to a price of the candle the magnet holds. */
const MAGNET_PX = 14;

interface HandParts {
  /** The element that the chart is drawn in. */
  readonly root: HTMLElement;
  readonly desk: DrawingDesk;
  readonly layer: DrawingLayer;
  /** The candle that opens then. */
  readonly barAt: (timeMs: number) => MagnetBar | null;
  /** No more drawings fit. */
  readonly onFull: () => void;
  readonly onDrawn: (drawing: Drawing) => void;
}

/** What the pointer that is down does. `first` is the point that it set when it came down. */
type Grip =
  | { readonly kind: "draw"; readonly pointer: number; readonly from: Px; readonly first: Anchor | null }
  | { readonly kind: "move"; readonly pointer: number; readonly from: Px; readonly drawing: Drawing; readonly part: Hit["part"] };

export class DrawingHand {
  readonly #parts: HandParts;
  #grip: Grip | null = null;
  /** Points set so far of the drawing that is being made. */
  #set: readonly Anchor[] = [];

  constructor(parts: HandParts) {
    this.#parts = parts;
    const { root } = parts;
    const first = { capture: true } as const;
    root.addEventListener("pointerdown", (event) => this.#down(event), first);
    globalThis.addEventListener("pointermove", (event) => this.#move(event), first);
    globalThis.addEventListener("pointerup", (event) => this.#up(event), first);
    globalThis.addEventListener("pointercancel", ({ pointerId }) => { if (pointerId === this.#grip?.pointer) this.cancel(); }, first);
    // The chart library listens to these: it never hears of a pointer that is ours.
    for (const name of ["mousedown", "touchstart"] as const) root.addEventListener(name, (event) => this.#keep(event), first);
    root.addEventListener("dblclick", (event) => this.#write(event), first);
    parts.desk.tool.subscribe(() => this.cancel());
  }

  /** Whether a drawing is begun and not whole yet. */
  get isDrawing(): boolean {
    return this.#set.length > 0;
  }

  /** Nothing of what is being done stays. */
  cancel() {
    const { layer } = this.#parts;
    this.#grip = null;
    this.#set = [];
    if (layer.draft !== null) layer.draft = null;
    if (layer.moving !== null) layer.moving = null;
  }

  /** Sets the next point, whoever pointed at it. */
  put(kind: DrawingKind, anchor: Anchor) {
    const { desk, layer, onDrawn, onFull } = this.#parts;
    this.#set = [...this.#set, anchor];
    if (this.#set.length < KINDS[kind].points) {
      this.preview(kind, anchor);
      return;
    }
    const points = this.#set;
    this.cancel();
    const drawing = layer.symbol === null ? null : desk.draw(layer.symbol, kind, points);
    if (drawing === null) onFull();
    else onDrawn(drawing);
  }

  /** Shows the drawing as it would be with its next point there. */
  preview(kind: DrawingKind, anchor: Anchor) {
    this.#parts.layer.draft = { kind, points: [...this.#set, anchor] };
  }

  #down(event: PointerEvent) {
    const { root, desk, layer } = this.#parts;
    const [space, at, tool] = [layer.space, placeIn(root, event), desk.tool.peek()];
    if (this.#grip !== null) {
      if (event.pointerType === "touch") this.cancel(); // two fingers mean the chart
      return;
    }
    if (event.button !== 0 || space === null || !space.holds(at)) return;
    const hold = { pointer: event.pointerId, from: at };
    if (tool !== null) {
      const anchor = this.#anchorAt(at, event, space);
      this.#grip = { kind: "draw", ...hold, first: this.#set.length === 0 ? anchor : null };
      if (anchor !== null) this.preview(tool, anchor);
      return;
    }
    const found = layer.at(at, event.pointerType === "mouse" ? MOUSE_REACH_PX : FINGER_REACH_PX);
    desk.select(found === null || layer.symbol === null ? null : { symbol: layer.symbol, id: found.drawing.id });
    if (found !== null && !found.drawing.locked) this.#grip = { kind: "move", ...hold, drawing: found.drawing, part: found.hit.part };
  }

  #move(event: PointerEvent) {
    const { root, desk, layer } = this.#parts;
    const [tool, grip] = [desk.tool.peek(), this.#grip];
    if (grip === null ? tool === null || this.#set.length === 0 : grip.pointer !== event.pointerId) return;
    const space = layer.space;
    if (space === null) return;
    const at = placeIn(root, event);
    if (grip?.kind === "move") layer.moving = this.#dragged(grip, at, event, space);
    else if (tool !== null) this.#show(tool, this.#anchorAt(at, event, space), grip?.first ?? null);
  }

  #up(event: PointerEvent) {
    const { root, desk, layer } = this.#parts;
    const [tool, grip] = [desk.tool.peek(), this.#grip];
    if (grip === null || grip.pointer !== event.pointerId) return;
    const [space, at] = [layer.space, placeIn(root, event)];
    const hasMoved = distance(at, grip.from) > CLICK_PX;
    this.#grip = null;
    if (grip.kind === "move") {
      const drawing = layer.moving;
      layer.moving = null;
      if (hasMoved && drawing !== null && layer.symbol !== null) desk.of(layer.symbol).replace(drawing);
      return;
    }
    const anchor = space === null ? null : this.#anchorAt(at, event, space);
    if (tool === null || anchor === null) return;
    const isLate = grip.first !== null && KINDS[tool].points > 1; // the first point is where the pointer came down
    if (isLate) this.put(tool, grip.first!);
    if (!isLate || hasMoved) this.put(tool, anchor);
  }

  /** With the point that the pointer has set when it came down, which may yet turn out to be a click. */
  #show(kind: DrawingKind, anchor: Anchor | null, first: Anchor | null) {
    if (anchor === null) return;
    if (first === null || KINDS[kind].points === 1) this.preview(kind, anchor);
    else this.#parts.layer.draft = { kind, points: [first, anchor] };
  }

  #keep(event: Event) {
    if (this.#grip === null) return;
    event.stopPropagation();
    if (event.type === "touchstart" && event.cancelable) event.preventDefault(); // or it would come again, as a mouse
    this.#parts.root.focus({ preventScroll: true });
  }

  /** A double click on the drawing that is selected writes its text, and does nothing to the chart. */
  #write(event: MouseEvent) {
    const { root, desk, layer } = this.#parts;
    const found = layer.at(placeIn(root, event), MOUSE_REACH_PX);
    if (found === null || found.drawing.id !== desk.selected.peek()?.id) return;
    event.stopPropagation();
    desk.writing.value = desk.selected.peek();
  }

  /** The moment and price there: on a candle's own price where the magnet holds, straight from the point before with Shift. */
  #anchorAt(at: Px, { shiftKey, ctrlKey, metaKey }: PointerEvent, space: Space): Anchor | null {
    const before = this.#set.at(-1) ?? (this.#grip?.kind === "draw" ? this.#grip.first : null);
    const from = shiftKey && before !== null ? space.toPx(before) : null;
    const place = from === null ? at : straightened(from, at);
    const anchor = space.toAnchor(place);
    if (anchor === null || from !== null || this.#parts.desk.hasMagnet.peek() === (ctrlKey || metaKey)) return anchor;
    const bar = this.#parts.barAt(anchor.time);
    const price = bar === null ? null : attracted(bar, place.y, (value) => space.toY(value), MAGNET_PX);
    return price === null ? anchor : { ...anchor, price };
  }

  #dragged({ drawing, part, from }: Grip & { readonly kind: "move" }, at: Px, event: PointerEvent, space: Space): Drawing {
    if (part !== "body") {
      const anchor = this.#anchorAt(at, event, space);
      return anchor === null ? drawing : movedHandle(drawing, part, anchor);
    }
    const price = (before: number) => {
      const y = space.toY(before);
      return y === null ? before : (space.toPrice(y + at.y - from.y) ?? before);
    };
    return moved(drawing, (at.x - from.x) / space.barPx, price, space.axes);
  }
}

function placeIn(root: HTMLElement, { clientX, clientY }: MouseEvent): Px {
  const { left, top } = root.getBoundingClientRect();
  return { x: clientX - left, y: clientY - top };
}
