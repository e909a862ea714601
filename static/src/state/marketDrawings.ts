// What is drawn on one market: the list as a signal, its changes with undo and redo, and whether it is kept.
// Never here: pointers, pixels, which drawing is selected (drawingDesk.ts).
// Invariant: every change goes through here, and so is seen by every chart of the market, can be undone, and is saved.

import { signal, type ReadonlySignal } from "@preact/signals-core";
import type { Clock } from "../clock.ts";
import type { Drawing } from "../drawings/drawing.ts";
import { Edits } from "../drawings/edits.ts";
import type { DrawingServer } from "../net/drawingAnswers.ts";
import { DrawingSync, type DrawingKeeping, type SyncState } from "./drawingSync.ts";

export interface MarketDrawingsParts {
  readonly server: DrawingServer | null;
  readonly keeping: DrawingKeeping;
  readonly clock: Pick<Clock, "setTimeout" | "clearTimeout">;
}

export class MarketDrawings {
  readonly symbol: string;
  readonly #edits = new Edits();
  readonly #list = signal<readonly Drawing[]>([]);
  readonly #sync = signal<SyncState>({ kind: "loading", detail: "" });
  readonly #keeper: DrawingSync;

  constructor(symbol: string, parts: MarketDrawingsParts) {
    this.symbol = symbol;
    this.#keeper = new DrawingSync({
      symbol, ...parts,
      list: () => this.#edits.list,
      onList: (list) => {
        this.#edits.take(list);
        this.#show();
      },
      onState: (state) => { this.#sync.value = state; },
    });
    this.#keeper.open();
  }

  get list(): ReadonlySignal<readonly Drawing[]> {
    return this.#list;
  }

  get sync(): ReadonlySignal<SyncState> {
    return this.#sync;
  }

  find(id: string | null): Drawing | null {
    return this.#edits.list.find((one) => one.id === id) ?? null;
  }

  /** False where there is no room for more. */
  add(drawing: Drawing): boolean {
    return this.#changed(() => this.#edits.add(drawing));
  }

  replace(drawing: Drawing) {
    this.#changed(() => this.#edits.replace(drawing));
  }

  remove(id: string) {
    this.#changed(() => this.#edits.remove(id));
  }

  /** All but what is locked. */
  clear() {
    this.#changed(() => this.#edits.clear());
  }

  /** False where there is nothing to undo. */
  undo(): boolean {
    return this.#changed(() => this.#edits.undo());
  }

  redo(): boolean {
    return this.#changed(() => this.#edits.redo());
  }

  get canUndo(): boolean {
    return this.#edits.canUndo;
  }

  get canRedo(): boolean {
    return this.#edits.canRedo;
  }

  /** What could not be kept is tried now. */
  again() {
    this.#keeper.again();
  }

  /** Another tab has told of a change, or the page was away for a while. */
  look() {
    this.#keeper.look();
  }

  /** The page is left. */
  flush() {
    this.#keeper.flush();
  }

  #changed<T>(change: () => T): T {
    const before = this.#edits.list;
    const result = change();
    if (this.#edits.list !== before) {
      this.#show();
      this.#keeper.changed();
    }
    return result;
  }

  #show() {
    this.#list.value = this.#edits.list;
  }
}
