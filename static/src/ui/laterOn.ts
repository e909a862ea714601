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
  if (later.peek() !== null) return;
  import("./later.ts").then((loaded) => { later.value = loaded; }, () => {
    announcer.tell("That could not be loaded: the server can't be reached.");
    failed();
  });
}
