// How one chart beside others is read: its own type, price axis and studies; all else is as the reader chose it for the page.
// Never here: where choices are kept, what a choice does.
// Invariant: what is chosen here changes no other chart.

import { signal, type ReadonlySignal, type Signal } from "@preact/signals-core";
import type { Choices, Settings } from "./preferences.ts";

/** What each chart has of its own. */
export const OWN = ["type", "scale", "inverted", "auto", "studies"] as const;

type OwnKey = (typeof OWN)[number];

export class PaneChoices implements Choices {
  readonly #page: Choices;
  readonly #own: { readonly [K in OwnKey]: Signal<Settings[K]> };

  /** Begins as `page` is. */
  constructor(page: Choices) {
    this.#page = page;
    this.#own = Object.fromEntries(OWN.map((key) => [key, signal(page.get(key))])) as never;
  }

  of<K extends keyof Settings>(key: K): ReadonlySignal<Settings[K]> {
    return this.#signal(key) ?? this.#page.of(key);
  }

  get<K extends keyof Settings>(key: K): Settings[K] {
    return this.of(key).peek();
  }

  set<K extends keyof Settings>(key: K, value: Settings[K]) {
    const own = this.#signal(key);
    if (own === undefined) this.#page.set(key, value);
    else own.value = value;
  }

  #signal<K extends keyof Settings>(key: K): Signal<Settings[K]> | undefined {
    return (this.#own as Partial<Record<keyof Settings, Signal<never>>>)[key] as Signal<Settings[K]> | undefined;
  }
}
