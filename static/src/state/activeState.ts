// What the active chart shows, for all that stands around the charts: bar, panels, dialogs, status line.
// Never here: which chart is active, values of its own.
// Invariant: whoever reads it hears too when another chart becomes the active one.

import type { ReadonlySignal } from "@preact/signals-core";
import type { OpenParts, ShownState } from "./pageState.ts";

export class ActiveState implements ShownState {
  readonly #active: ReadonlySignal<ShownState>;
  readonly dialog: OpenParts["dialog"];
  readonly searchText: OpenParts["searchText"];
  readonly panel: OpenParts["panel"];

  constructor(active: ReadonlySignal<ShownState>) {
    this.#active = active;
    ({ dialog: this.dialog, searchText: this.searchText, panel: this.panel } = active.peek());
  }

  get view() { return this.#active.value.view; }
  get precision() { return this.#active.value.precision; }
  get isLive() { return this.#active.value.isLive; }
  get pointed() { return this.#active.value.pointed; }
  get hole() { return this.#active.value.hole; }
  get picked() { return this.#active.value.picked; }
  get isAtNow() { return this.#active.value.isAtNow; }
  get message() { return this.#active.value.message; }
  get absent() { return this.#active.value.absent; }
  get shown() { return this.#active.value.shown; }
  get closed() { return this.#active.value.closed; }
}
