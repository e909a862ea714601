// The studies of one chart as the reader has chosen them, and what is known of their values.
// Never here: maths, drawing, where the choice is kept (handed in), words.
// Invariant: whatever is chosen is a checked list; the list is always replaced, never changed.

import { computed, signal, type ReadonlySignal } from "@preact/signals-core";
import { STUDIES_MAX, checkedStudies, newStudy, type Study, type StudyKind } from "../studies/study.ts";

/** An output each; null where there is none. */
type Values = readonly (number | null)[];

/** Where the list is kept, whatever it may hold. */
export interface StudyStore {
  readonly list: ReadonlySignal<readonly unknown[]>;
  readonly write: (studies: readonly Study[]) => void;
}

export class ChosenStudies {
  readonly list = computed(() => checkedStudies(this.#store.list.value));
  /** Grows whenever values have changed. */
  readonly revision = signal(0);
  /** Where the panes below the candles begin, in pixels from the chart's top, by their studies' ids. */
  readonly tops = signal<ReadonlyMap<string, number>>(new Map());
  /** The study whose settings are open; null: the list of all. */
  readonly edited = signal<string | null>(null);
  readonly #store: StudyStore;
  #values: (study: Study, timeMs: number) => Values = () => [];

  constructor(store: StudyStore) {
    this.#store = store;
  }

  /** Where values come from, once that is loaded. */
  read(values: (study: Study, timeMs: number) => Values) {
    this.#values = values;
  }

  /** At the candle that opens then; heard anew when values change. */
  valuesAt(study: Study, timeMs: number | null): Values {
    return this.revision.value >= 0 && timeMs !== null && study.hidden !== true ? this.#values(study, timeMs) : [];
  }

  get isFull(): boolean {
    return this.list.value.length >= STUDIES_MAX;
  }

  /** One more of that kind; null where there are as many as may be. */
  add(kind: StudyKind): Study | null {
    const before = this.list.peek();
    if (before.length >= STUDIES_MAX) return null;
    const study = newStudy(kind, before);
    this.replaceAll([...before, study]);
    return study;
  }

  change(id: string, part: Partial<Pick<Study, "inputs" | "style">> & { readonly hidden?: boolean }) {
    const { hidden, ...values } = part;
    this.replaceAll(this.list.peek().map((study) => {
      if (study.id !== id) return study;
      const { hidden: was, ...rest } = study;
      return { ...rest, ...values, ...((hidden ?? was) === true ? { hidden: true as const } : {}) };
    }));
  }

  remove(id: string) {
    this.replaceAll(this.list.peek().filter((study) => study.id !== id));
  }

  /** All of them, as a template or a layout has them. */
  replaceAll(studies: readonly Study[]) {
    this.#store.write(checkedStudies(studies));
  }
}
