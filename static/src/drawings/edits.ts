// The drawings of a market as they are edited: every change can be undone, and done again.
// Never here: where they are kept, what is selected.
// Invariant: undoing gives back the very list that there was; a change made elsewhere is no step of its own, and
// undoing brings back nothing that was taken away there.

import { DRAWINGS_MAX, isSame, type Drawing } from "./drawing.ts";
import { merged } from "./merge.ts";

const STEPS_MAX = 100;

type List = readonly Drawing[];

export class Edits {
  #list: List;
  #before: List[] = [];
  #after: List[] = [];

  constructor(list: List = []) {
    this.#list = list;
  }

  get list(): List {
    return this.#list;
  }

  get canUndo(): boolean {
    return this.#before.length > 0;
  }

  get canRedo(): boolean {
    return this.#after.length > 0;
  }

  /** False where there is no room for more drawings. */
  add(drawing: Drawing): boolean {
    if (this.#list.length >= DRAWINGS_MAX) return false;
    this.#do([...this.#list, drawing]);
    return true;
  }

  /** Another version of a drawing that is there. */
  replace(drawing: Drawing) {
    const before = this.#list.find(({ id }) => id === drawing.id);
    if (before === undefined || isSame(before, drawing)) return;
    this.#do(this.#list.map((one) => (one.id === drawing.id ? drawing : one)));
  }

  remove(id: string) {
    if (this.#list.some((one) => one.id === id)) this.#do(this.#list.filter((one) => one.id !== id));
  }

  /** All but what is locked. */
  clear() {
    const kept = this.#list.filter(({ locked }) => locked);
    if (kept.length < this.#list.length) this.#do(kept);
  }

  undo(): boolean {
    return this.#step(this.#before, this.#after);
  }

  redo(): boolean {
    return this.#step(this.#after, this.#before);
  }

  /** The list as it is now elsewhere; steps of here go on from it. */
  take(list: List) {
    const base = this.#list;
    this.#list = list;
    const rebased = (steps: List[]) => steps.map((step) => merged(base, step, list));
    [this.#before, this.#after] = [rebased(this.#before), rebased(this.#after)];
  }

  #do(next: List) {
    this.#before = [...this.#before, this.#list].slice(-STEPS_MAX);
    this.#after = [];
    this.#list = next;
  }

  #step(from: List[], to: List[]): boolean {
    const next = from.pop();
    if (next === undefined) return false;
    to.push(this.#list);
    this.#list = next;
    return true;
  }
}
