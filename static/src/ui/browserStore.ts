// What this browser keeps of the reader's choices, and how its tabs tell each other of them.
// Never here: what a choice means, which values are allowed (state/preferences.ts).
// Invariant: a browser that forbids storage is one that forgets, nothing worse.

import type { Settings, SettingsKeeping } from "../state/preferences.ts";

const KEY = "truecandle.settings";

/** Read before the first paint, by themeInit.ts: what it needs to know, and no more. */
const PAINT_KEY = "truecandle.theme";

/** The keeping of one page. With `save` the server keeps all, and only what the first paint needs stays here. */
export function browserStore(save: SettingsKeeping["save"]): SettingsKeeping & { onTold: (heard: (settings: unknown) => void) => void } {
  const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(save === null ? KEY : `${KEY}.user`);
  return {
    read: () => attempt(() => localStorage.getItem(KEY)) ?? attempt(themeAlone) ?? null,
    write: (text) => {
      if (save === null) attempt(() => localStorage.setItem(KEY, text));
    },
    tell: (settings) => channel?.postMessage(settings),
    save,
    onTold: (heard) => channel?.addEventListener("message", ({ data }) => heard(data)),
  };
}

/** Keeps theme and colours for the next first paint; what is usual is kept by nothing. */
export function keepForPaint({ theme, colors }: Pick<Settings, "theme" | "colors">) {
  const text = [theme === "system" ? "" : theme, colors === "green-red" ? "" : colors].join(" ").trim();
  attempt(() => (text === "" ? localStorage.removeItem(PAINT_KEY) : localStorage.setItem(PAINT_KEY, text)));
}

/** What was kept when the theme was all that could be chosen. */
function themeAlone() {
  return JSON.stringify({ theme: localStorage.getItem(PAINT_KEY)?.split(" ")[0] });
}

function attempt<T>(what: () => T): T | undefined {
  try {
    return what();
  } catch {
    return undefined;
  }
}
