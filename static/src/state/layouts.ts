// The layouts that a reader has named: listed, opened, saved, renamed, taken away; and which of them is open.
// Never here: where they are kept, what opening one does to the charts (both handed in), words but those of failures.
// Invariant: nothing is overwritten that was not seen: a newer version elsewhere is told, and read anew.

import { signal } from "@preact/signals-core";
import type { NamedLayout } from "../net/layoutsApi.ts";
import { checkedLayout, type Layout } from "./layout.ts";

/** Where layouts are kept: by the server, or for whoever may not write there by the browser. Each call may reject. */
export interface LayoutKeeping {
  readonly names: () => Promise<readonly NamedLayout[]>;
  /** As it is kept; null where there is none of that name. */
  readonly read: (name: string) => Promise<unknown>;
  /** Makes it (version 0), or replaces that version. */
  readonly save: (name: string, layout: Layout, version: number) => Promise<void>;
  readonly remove: (name: string) => Promise<void>;
}

interface LayoutsOptions {
  readonly keeping: LayoutKeeping;
  /** What is on the page now. */
  readonly current: () => Layout;
  readonly apply: (layout: Layout) => void;
}

export class Layouts {
  /** By name; null before they are read. */
  readonly list = signal<readonly NamedLayout[] | null>(null);
  /** The one that was opened or saved last; "" for none. */
  readonly open = signal("");
  readonly problem = signal("");
  readonly #options: LayoutsOptions;

  constructor(options: LayoutsOptions) {
    this.#options = options;
  }

  /** Reads which there are. */
  refresh(): Promise<boolean> {
    return this.#try(async () => {
      const names = await this.#options.keeping.names();
      this.list.value = [...names].sort((a, b) => a.name.localeCompare(b.name));
    });
  }

  /** Shows one; false, and nothing is changed, if there is none or it can't be read. */
  show(name: string): Promise<boolean> {
    return this.#try(async () => {
      const layout = checkedLayout(await this.#options.keeping.read(name));
      if (layout === null) throw new Error(`There is no layout of the name ${name}.`);
      this.open.value = name;
      this.#options.apply(layout);
    });
  }

  /** Keeps what is on the page under a name, new or one of those listed. */
  save(name: string): Promise<boolean> {
    return this.#change(async ({ save }) => {
      await save(name, this.#options.current(), this.#version(name));
      this.open.value = name;
    });
  }

  rename(from: string, to: string): Promise<boolean> {
    return this.#change(async ({ read, save, remove }) => {
      const layout = checkedLayout(await read(from));
      if (layout === null) throw new Error(`There is no layout of the name ${from} any more.`);
      await save(to, layout, 0);
      await remove(from);
      if (this.open.peek() === from) this.open.value = to;
    });
  }

  remove(name: string): Promise<boolean> {
    return this.#change(async ({ remove }) => {
      await remove(name);
      if (this.open.peek() === name) this.open.value = "";
    });
  }

  #version(name: string): number {
    return this.list.peek()?.find((one) => one.name === name)?.version ?? 0;
  }

  /** Whatever came of it, what is listed is as it is kept afterwards. */
  async #change(what: (keeping: LayoutKeeping) => Promise<void>): Promise<boolean> {
    const isDone = await this.#try(() => what(this.#options.keeping));
    const problem = this.problem.peek();
    await this.refresh();
    if (problem !== "") this.problem.value = problem;
    return isDone;
  }

  async #try(what: () => Promise<void>): Promise<boolean> {
    try {
      await what();
      this.problem.value = "";
      return true;
    } catch (error) {
      this.problem.value = error instanceof Error ? error.message : String(error);
      return false;
    }
  }
}
