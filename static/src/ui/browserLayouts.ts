// Layouts kept by this browser: of whoever has no account that may write; and how the charts stood last, of everybody.
// Never here: what a layout is (state/layout.ts), when one is kept.
// Invariant: a browser that forbids storage, or whose storage is full, is one that says so when something is to be saved.

import { checkedLayout, type Layout } from "../state/layout.ts";
import type { LayoutKeeping } from "../state/layouts.ts";
import { CHARTS_KEY } from "./browserStore.ts";

const NAMED_KEY = "truecandle.layouts";

/** As many as the server keeps of a user. */
const KEPT_MAX = 50;

export const browserLayouts: LayoutKeeping = Object.freeze({
  names: async () => Object.keys(kept()).map((name) => ({ name, version: 1 })),
  read: async (name: string) => kept()[name] ?? null,
  save: async (name: string, layout: Layout, version: number) => {
    const all = kept();
    if (version === 0 && Object.hasOwn(all, name)) throw new Error(`There is a layout of the name ${name} already.`);
    if (!Object.hasOwn(all, name) && Object.keys(all).length >= KEPT_MAX) throw new Error(`There are ${KEPT_MAX} layouts already; remove one first.`);
    write({ ...all, [name]: layout });
  },
  remove: async (name: string) => write(Object.fromEntries(Object.entries(kept()).filter(([one]) => one !== name))),
});

/** There is one chart, as at first. */
export function forgetLastCharts() {
  try {
    localStorage.removeItem(CHARTS_KEY);
  } catch {
    // Nothing was kept either.
  }
}

/** How the charts stood last, and the name of the layout that was open ("": none); null where nothing is known. */
export function lastCharts(): { readonly layout: Layout; readonly name: string } | null {
  const found = parsed(CHARTS_KEY);
  const layout = checkedLayout(found.layout);
  return layout === null ? null : { layout, name: typeof found.name === "string" ? found.name : "" };
}

export function keepLastCharts(layout: Layout, name: string) {
  try {
    localStorage.setItem(CHARTS_KEY, JSON.stringify({ layout, name }));
  } catch {
    // Next time it begins with one chart.
  }
}

function kept(): Record<string, unknown> {
  return parsed(NAMED_KEY);
}

function write(all: Record<string, unknown>) {
  try {
    localStorage.setItem(NAMED_KEY, JSON.stringify(all));
  } catch {
    throw new Error("This browser does not let the page keep anything.");
  }
}

function parsed(key: string): Record<string, unknown> {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(key) ?? "{}");
    return typeof found === "object" && found !== null && !Array.isArray(found) ? found as Record<string, unknown> : {};
  } catch {
    return {};
  }
}
