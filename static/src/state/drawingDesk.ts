// The drawing desk of the page: which tool is in hand, how it draws, which drawing is selected; the markets' drawings.
// Never here: pointers, pixels, components.
// Invariant: one tool at a time, one drawing selected on the whole page; a market's drawings are held once, however
// many charts show it.

import { batch, signal } from "@preact/signals-core";
import { USUAL_STYLE, newId, type Anchor, type Drawing, type DrawingKind, type Style } from "../drawings/drawing.ts";
import { MarketDrawings, type MarketDrawingsParts } from "./marketDrawings.ts";

/** Markets whose drawings are held; of those that are longest not looked at the oldest goes. */
const MARKETS_MAX = 20;

export interface Selected {
  readonly symbol: string;
  readonly id: string;
}

export class DrawingDesk {
  /** The kind that the next point begins; null: drawings are selected and moved. */
  readonly tool = signal<DrawingKind | null>(null);
  /** Whether the tool stays in hand after a drawing. */
  readonly isKept = signal(false);
  readonly hasMagnet = signal(true);
  /** None is drawn. */
  readonly areHidden = signal(false);
  readonly selected = signal<Selected | null>(null);
  /** The drawing whose text is being written. */
  readonly writing = signal<Selected | null>(null);
  /** How the next one is drawn. */
  readonly style = signal<Style>(USUAL_STYLE);
  readonly #parts: MarketDrawingsParts;
  readonly #random: () => number;
  #markets = new Map<string, MarketDrawings>();

  constructor(parts: MarketDrawingsParts, random: () => number) {
    this.#parts = parts;
    this.#random = random;
  }

  of(symbol: string): MarketDrawings {
    const known = this.#markets.get(symbol) ?? new MarketDrawings(symbol, this.#parts);
    this.#markets.delete(symbol);
    this.#markets.set(symbol, known);
    for (const [name, oldest] of this.#markets) {
      if (this.#markets.size <= MARKETS_MAX) break;
      oldest.flush();
      this.#markets.delete(name);
    }
    return known;
  }

  /** Takes a tool in hand, or puts it away. */
  take(kind: DrawingKind | null) {
    batch(() => {
      this.tool.value = kind;
      if (kind !== null) this.selected.value = null;
    });
  }

  select(selected: Selected | null) {
    const before = this.selected.peek();
    if (before?.id !== selected?.id || before?.symbol !== selected?.symbol) this.selected.value = selected;
  }

  /** The drawing that is selected, as it is now; null: none, or gone. */
  get current(): Drawing | null {
    const selected = this.selected.value;
    return selected === null ? null : (this.of(selected.symbol).list.value.find(({ id }) => id === selected.id) ?? null);
  }

  /** A new drawing, which is selected then; null where there is no room for more. */
  draw(symbol: string, kind: DrawingKind, points: readonly Anchor[]): Drawing | null {
    const market = this.of(symbol);
    const drawing: Drawing = {
      id: newId(market.list.peek(), this.#random), kind, points, style: this.style.peek(), text: "", locked: false, hidden: false,
    };
    if (!market.add(drawing)) return null;
    batch(() => {
      if (!this.isKept.peek()) this.tool.value = null;
      this.selected.value = { symbol, id: drawing.id };
      if (kind === "text") this.writing.value = { symbol, id: drawing.id };
    });
    return drawing;
  }

  /** Changes the selected one; how it looks is how the next one will. */
  restyle(style: Partial<Style>) {
    const drawing = this.current;
    const next = { ...(drawing?.style ?? this.style.peek()), ...style };
    this.style.value = next;
    this.change({ style: next });
  }

  change(fields: Partial<Pick<Drawing, "style" | "text" | "locked" | "hidden" | "points">>) {
    const [drawing, selected] = [this.current, this.selected.peek()];
    if (drawing !== null && selected !== null) this.of(selected.symbol).replace({ ...drawing, ...fields });
  }

  removeSelected() {
    const selected = this.selected.peek();
    if (selected === null) return;
    this.selected.value = null;
    this.of(selected.symbol).remove(selected.id);
  }

  /** Every market that is held: another tab has told, the page was away, or it is left. */
  look(symbol: string | null = null) {
    for (const market of this.#markets.values()) if (symbol === null || market.symbol === symbol) market.look();
  }

  flush() {
    for (const market of this.#markets.values()) market.flush();
  }
}
