// Keeps the drawings of one market on the server: read, saved after a pause, merged where another browser was faster.
// Never here: what a drawing is made of, how two lists become one (drawings/merge.ts), fetch, the browser's store.
// Invariant: what is not saved yet is kept in the browser; a save names the version that it was made from, and one
// that is refused for that is merged with the newer one and tried again, so often and no more.

import type { Clock } from "../clock.ts";
import { readDrawings, writeDrawings, type Drawing } from "../drawings/drawing.ts";
import { merged } from "../drawings/merge.ts";
import { ApiError } from "../net/api.ts";
import type { DrawingServer, StoredDrawings } from "../net/drawingAnswers.ts";

type List = readonly Drawing[];

/** What this browser keeps of a market: all of it, or what the server does not have yet. */
export interface DrawingKeeping {
  readonly read: (symbol: string) => unknown;
  /** False where the browser forbids it or has no room. */
  readonly write: (symbol: string, kept: object | null) => boolean;
  /** Tells the browser's other tabs. */
  readonly tell: (symbol: string) => void;
}

/** Whether what is seen is what is kept, in a word and, where it is not, why. */
export interface SyncState {
  readonly kind: "loading" | "kept" | "saving" | "failed";
  readonly detail: string;
}

interface SyncParts {
  readonly symbol: string;
  /** Null for whoever may not write on the server: then this browser keeps them. */
  readonly server: DrawingServer | null;
  readonly keeping: DrawingKeeping;
  readonly clock: Pick<Clock, "setTimeout" | "clearTimeout">;
  /** The list as it is here now. */
  readonly list: () => List;
  /** Another list has to take its place. */
  readonly onList: (list: List) => void;
  readonly onState: (state: SyncState) => void;
}

/** Changes that come together are saved once. */
const SAVE_AFTER_MS = 1_200;

/** When reading or saving is tried again after a failure; then no more until the next change or look. */
const RETRIES_MS = [2_000, 8_000, 30_000, 60_000] as const;

/** Merges in a row, until it is a failure like any other. */
const MERGES_MAX = 5;

/** A refusal that comes again however often it is asked. */
const FINAL_STATUS: ReadonlySet<number> = new Set([400, 401, 403, 404, 413]);

export class DrawingSync {
  readonly #parts: SyncParts;
  /** What the server had when we last heard of it; null before. */
  #base: { readonly list: List; readonly version: number } | null = null;
  #timer: number | undefined;
  #isBusy = false;
  #isDirty = false;
  #failures = 0;

  constructor(parts: SyncParts) {
    this.#parts = parts;
  }

  /** Reads what is kept; what was drawn here and not saved before is there at once. */
  open() {
    const { symbol, server, keeping, onList, onState } = this.#parts;
    const kept = keeping.read(symbol) as { readonly base?: unknown; readonly version?: unknown; readonly drawings?: unknown } | null;
    const unsaved = readDrawings(kept?.drawings);
    if (server === null) {
      onList(unsaved);
      onState({ kind: "kept", detail: "" });
      return;
    }
    if (kept !== null) {
      this.#base = { list: readDrawings(kept.base), version: Number(kept.version) || 0 };
      this.#isDirty = true;
      onList(unsaved);
    }
    onState({ kind: "loading", detail: "" });
    this.look();
  }

  /** Something was changed here. */
  changed() {
    const { symbol, server, keeping, onState } = this.#parts;
    this.#isDirty = true;
    const isKept = this.#keep();
    if (server === null) {
      keeping.tell(symbol);
      onState(isKept ? { kind: "kept", detail: "" } : { kind: "failed", detail: "This browser has no room for them: they are gone when the page is left." });
      return;
    }
    onState({ kind: "saving", detail: "" });
    this.#failures = 0;
    this.#soon(SAVE_AFTER_MS);
  }

  /** Asks the server what there is: after a while away, or because another tab has told of a change. */
  look() {
    if (this.#parts.server === null) this.#parts.onList(readDrawings((this.#parts.keeping.read(this.#parts.symbol) as { readonly drawings?: unknown } | null)?.drawings));
    else if (!this.#isBusy) void this.#run(() => this.#read());
  }

  /** After failures, without waiting for anything. */
  again() {
    this.#failures = 0;
    this.#soon(0);
  }

  /** The page is left, or the market is: what waits is saved now. */
  flush() {
    if (this.#isDirty && !this.#isBusy && this.#base !== null && this.#parts.server !== null) void this.#run(() => this.#save());
  }

  async #read() {
    const stored = await this.#parts.server!.read(this.#parts.symbol);
    this.#take(stored);
  }

  async #save() {
    const { symbol, server, keeping, list, onState } = this.#parts;
    if (this.#base === null) return this.#read();
    for (let merges = 0; merges < MERGES_MAX; merges += 1) {
      const sent = list();
      const outcome = await server!.save(symbol, writeDrawings(sent), this.#base!.version);
      if (outcome.isConflict) {
        this.#take(outcome.stored);
        continue;
      }
      this.#base = { list: readDrawings(outcome.stored.drawings), version: outcome.stored.version };
      this.#isDirty = list() !== sent;
      this.#keep();
      keeping.tell(symbol);
      onState(this.#isDirty ? { kind: "saving", detail: "" } : { kind: "kept", detail: "" });
      return;
    }
    throw new Error("Other browsers change these drawings all the time.");
  }

  /** What the server has, beside what was changed here since. */
  #take({ drawings, version }: StoredDrawings) {
    const { list, onList, onState } = this.#parts;
    const theirs = readDrawings(drawings);
    const isNews = this.#base === null || this.#base.version !== version;
    if (isNews) onList(this.#isDirty ? merged(this.#base?.list ?? [], list(), theirs) : theirs);
    this.#base = { list: theirs, version };
    if (!this.#isDirty) onState({ kind: "kept", detail: "" });
  }

  /** One request at a time; what has changed meanwhile comes next. */
  async #run(work: () => Promise<void>) {
    const { clock, onState } = this.#parts;
    clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isBusy = true;
    try {
      await work();
      this.#failures = 0;
      this.#isBusy = false;
      if (this.#isDirty) this.#soon(SAVE_AFTER_MS);
    } catch (error) {
      this.#isBusy = false;
      onState({ kind: "failed", detail: error instanceof Error ? error.message : String(error) });
      const isFinal = error instanceof ApiError && FINAL_STATUS.has(error.status);
      const waitMs = isFinal ? undefined : RETRIES_MS[this.#failures];
      this.#failures += 1;
      if (waitMs !== undefined) this.#soon(Math.max(waitMs, error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0));
    }
  }

  #soon(waitMs: number) {
    const { clock } = this.#parts;
    clock.clearTimeout(this.#timer);
    if (this.#isBusy) return;
    this.#timer = clock.setTimeout(() => void this.#run(() => (this.#isDirty ? this.#save() : this.#read())), waitMs);
  }

  #keep(): boolean {
    const { symbol, server, keeping, list } = this.#parts;
    const drawings = writeDrawings(list());
    if (server === null) return keeping.write(symbol, drawings.length === 0 ? null : { drawings });
    if (!this.#isDirty) return keeping.write(symbol, null);
    return keeping.write(symbol, { drawings, base: writeDrawings(this.#base?.list ?? []), version: this.#base?.version ?? 0 });
  }
}
