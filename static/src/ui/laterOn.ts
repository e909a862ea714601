// Brings what later.ts holds when it is first wanted, and keeps it.
// Never here: what is in it.
// Invariant: it is loaded once; where that fails it is said, and the next wish asks again.

import { signal } from "@preact/signals";
import type { Page } from "./page.ts";

type Later = typeof import("./later.ts");

/** What has been loaded; null until it is there. */
export const later = signal<Later | null>(null);

/** Loads it unless it is there; `failed` takes the wish back. */
export function wantLater({ announcer }: Pick<Page, "announcer">, failed: () => void) {
  load().catch(() => {
    announcer.tell("That could not be loaded: the server can't be reached.");
    failed();
  });
}

/** Loads it where somebody is about to want it: a pointer has come to the buttons. */
export function expectLater() {
  load().catch(() => {}); // nobody has asked yet; who does, asks anew
}

async function load() {
  if (later.peek() !== null) return;
  [later.value] = await Promise.all([import("./later.ts"), laterStyle()]);
}

let styled: Promise<void> | null = null;

/** The style of whatever comes later, there before it is; the page names it where it has one. */
export function laterStyle(): Promise<void> {
  const href = document.getElementById("app")?.dataset.laterStyle;
  if (href === undefined) return Promise.resolve();
  styled ??= new Promise((resolve, reject) => {
    const link = document.createElement("link");
    Object.assign(link, { rel: "stylesheet", href, onload: resolve, onerror: reject });
    document.head.append(link);
  });
  styled.catch(() => { styled = null; });
  return styled;
}
