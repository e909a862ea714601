// The drawings of the market that a chart shows, painted over its candles, and which of them a place is on.
// Never here: pointers and keys (hand.ts, keys.ts), what a kind looks like (painter.ts).
// Invariant: what is hidden is neither painted nor hit; the selected one lies above the others, the draft above all.

import type { ISeriesPrimitive, ISeriesPrimitiveAxisView, IPrimitivePaneView, PrimitiveHoveredItem, SeriesAttachedParameter, Time } from "lightweight-charts";
import { COLORS, type Drawing, type DrawingKind } from "../../drawings/drawing.ts";
import { hit, type Hit, type Px } from "../../drawings/geometry.ts";
import type { DrawingDesk } from "../../state/drawingDesk.ts";
import { onChange, tokensOf } from "../../ui/theme.ts";
import type { ChartInside } from "../chartInside.ts";
import type { DrawingTarget } from "../drawing.ts";
import { paint, type Box, type Look } from "./painter.ts";
import { Space } from "./space.ts";

/** A drawing that is being made, its last point where the pointer is. */
export interface Draft {
  readonly kind: DrawingKind;
  readonly points: Drawing["points"];
}

interface LayerParts {
  readonly inside: ChartInside;
  readonly desk: DrawingDesk;
  readonly precision: () => number;
}

/** Where a pointer is nearer than this it is on it. */
export const MOUSE_REACH_PX = 6;

export class DrawingLayer implements ISeriesPrimitive<Time> {
  readonly #parts: LayerParts;
  #attached: SeriesAttachedParameter<Time> | null = null;
  #look: Look = lookNow();
  #draft: Draft | null = null;
  /** A drawing while it is moved, in the place of what is kept of it. */
  #moving: Drawing | null = null;
  readonly #labels = new Map<string, Box>();

  constructor(parts: LayerParts) {
    this.#parts = parts;
    onChange(() => {
      this.#look = lookNow();
      this.update();
    });
  }

  attached(parameters: SeriesAttachedParameter<Time>) {
    this.#attached = parameters;
  }

  detached() {
    this.#attached = null;
  }

  update() {
    this.#attached?.requestUpdate();
  }

  get draft(): Draft | null {
    return this.#draft;
  }

  set draft(draft: Draft | null) {
    this.#draft = draft;
    this.update();
  }

  get moving(): Drawing | null {
    return this.#moving;
  }

  set moving(drawing: Drawing | null) {
    this.#moving = drawing;
    this.update();
  }

  /** As the chart stands now; null before there is anything on it. */
  get space(): Space | null {
    return Space.of(this.#parts.inside, this.#parts.precision());
  }

  get symbol(): string | null {
    return this.#parts.inside.shown().series?.symbol ?? null;
  }

  /** What is painted, from the bottom up. */
  get shown(): readonly Drawing[] {
    const { symbol } = this;
    const { desk } = this.#parts;
    if (symbol === null || desk.areHidden.peek()) return [];
    const moving = this.#moving;
    const list = desk.of(symbol).list.peek().filter(({ hidden }) => !hidden).map((one) => (one.id === moving?.id ? moving : one));
    return list.sort((a, b) => Number(this.#isSelected(a)) - Number(this.#isSelected(b)));
  }

  /** The same, with the pixels of its points. */
  get painted(): readonly (Drawing & { readonly px: readonly Px[] })[] {
    const { space } = this;
    return space === null ? [] : this.shown.map((drawing) => ({ ...drawing, px: pointsOf(drawing, space) ?? [] }));
  }

  /** The topmost drawing that a place is on, and which part of it. */
  at(place: Px, reachPx: number): { readonly drawing: Drawing; readonly hit: Hit } | null {
    const { space } = this;
    if (space === null) return null;
    let best: { readonly drawing: Drawing; readonly hit: Hit } | null = null;
    for (const drawing of [...this.shown].reverse()) {
      const points = pointsOf(drawing, space);
      const found = points === null ? null : hit({ kind: drawing.kind, points, size: space.size, label: this.#labels.get(drawing.id) ?? null, hasHandles: this.#isSelected(drawing) && !drawing.locked }, place, reachPx);
      if (found !== null && (best === null || found.distance < best.hit.distance)) best = { drawing, hit: found };
    }
    return best;
  }

  hitTest(x: number, y: number): PrimitiveHoveredItem | null {
    if (this.#parts.desk.tool.peek() !== null) return { cursorStyle: "crosshair", externalId: "draft", zOrder: "top" };
    const found = this.at({ x, y }, MOUSE_REACH_PX);
    if (found === null) return null;
    const cursorStyle = found.drawing.locked ? "default" : found.hit.part === "body" ? "pointer" : "grab";
    return { cursorStyle, externalId: found.drawing.id, zOrder: "top" };
  }

  paneViews(): readonly IPrimitivePaneView[] {
    return [{ zOrder: () => "top", renderer: () => ({ draw: (target) => this.#draw(target) }) }];
  }

  /** The price of a horizontal line at the axis. */
  priceAxisViews(): readonly ISeriesPrimitiveAxisView[] {
    const [{ space }, series] = [this, this.#attached?.series];
    if (space === null || series === undefined) return [];
    return this.shown.filter(({ kind }) => kind === "horizontal").flatMap(({ points: [point], style }) => {
      const y = space.toY(point!.price);
      if (y === null) return [];
      return [{ coordinate: () => y, text: () => series.priceFormatter().format(point!.price), textColor: () => this.#look.bg, backColor: () => this.#look.colors[style.color] }];
    });
  }

  #draw(target: DrawingTarget) {
    const { space } = this;
    if (space === null) return;
    target.useMediaCoordinateSpace(({ context }) => {
      this.#labels.clear();
      for (const drawing of this.shown) this.#paint(context, drawing, space, this.#isSelected(drawing) && !drawing.locked);
      if (this.#draft === null) return;
      const { kind, points } = this.#draft;
      this.#paint(context, { id: "", kind, points, style: this.#parts.desk.style.peek(), text: "", locked: false, hidden: false }, space, true);
    });
  }

  #paint(context: CanvasRenderingContext2D, drawing: Drawing, space: Space, hasHandles: boolean) {
    const points = pointsOf(drawing, space);
    if (points === null) return;
    const box = paint(context, { drawing, points, space, look: this.#look, hasHandles });
    if (box !== null) this.#labels.set(drawing.id, box);
  }

  #isSelected({ id }: Drawing): boolean {
    const selected = this.#parts.desk.selected.peek();
    return selected?.id === id && selected.symbol === this.symbol;
  }
}

function pointsOf({ points }: Pick<Drawing, "points">, space: Space): Px[] | null {
  const places = points.map((point) => space.toPx(point));
  return places.includes(null) ? null : (places as Px[]);
}

function lookNow(): Look {
  const { bg, ...colors } = tokensOf([...COLORS, "bg"]);
  return { colors, bg };
}
