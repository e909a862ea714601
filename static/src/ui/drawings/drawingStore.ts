// What this browser keeps of drawings, and how its tabs tell each other of them.
// Never here: what a drawing is; whether the server has them (state/drawingSync.ts).
// Invariant: a browser that forbids storage is one that forgets, nothing worse; one user's are not another's.

import type { DrawingKeeping } from "../../state/drawingSync.ts";
import { drawingKey } from "../browserStore.ts";

const CHANNEL = "truecandle.drawings.";

/** With `isOnServer` only what is not saved yet stays here, and in the tab; else all of it, in the browser. */
export function drawingStore(user: string | null, isOnServer: boolean): DrawingKeeping & { onTold: (heard: (symbol: string) => void) => void } {
  const key = (symbol: string) => drawingKey(user, symbol);
  const store = () => (isOnServer ? sessionStorage : localStorage);
  const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(`${CHANNEL}${user ?? ""}`);
  return {
    read: (symbol) => attempt(() => JSON.parse(store().getItem(key(symbol)) ?? "null")) ?? null,
    write: (symbol, kept) => attempt(() => {
      if (kept === null) store().removeItem(key(symbol));
      else store().setItem(key(symbol), JSON.stringify(kept));
      return true;
    }) ?? false,
    tell: (symbol) => channel?.postMessage(symbol),
    onTold: (heard) => channel?.addEventListener("message", ({ data }) => { if (typeof data === "string") heard(data); }),
  };
}

function attempt<T>(what: () => T): T | undefined {
  try {
    return what();
  } catch {
    return undefined;
  }
}
