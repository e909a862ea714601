// What this browser keeps of the reader's choices, and how its tabs tell each other of them.
// Never here: what a choice means, which values are allowed (state/preferences.ts).
// Invariant: a browser that forbids storage is one that forgets, nothing worse.

import type { Settings, SettingsKeeping } from "../state/preferences.ts";

const KEY = "truecandle.settings";

/** Read before the first paint, by headScript.ts: what it needs to know, and no more. */
const PAINT_KEY = "truecandle.theme";

/** With the user's name: what a tab has chosen until the server has it, so that a reload right after a choice keeps it. */
const UNSAVED_KEY = `${KEY}.unsaved.`;

/** How several charts stood last (browserLayouts.ts, loaded when there are some). */
export const CHARTS_KEY = "truecandle.charts";

export function hadSeveralCharts(): boolean {
  return (attempt(() => localStorage.getItem(CHARTS_KEY)) ?? null) !== null;
}

/**
 * The keeping of one page. With `save` the server keeps all that `user` chooses: only what the first paint needs
 * stays here, and in the tab what is not saved yet.
 */
export function browserStore(user: string | null, save: SettingsKeeping["save"]): SettingsKeeping & { onTold: (heard: (settings: unknown) => void) => void } {
  const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(save === null ? KEY : `${KEY}.user`);
  const unsaved = `${UNSAVED_KEY}${user ?? ""}`;
  let written = 0;
  const saved = (count: number) => { if (count === written) attempt(() => sessionStorage.removeItem(unsaved)); };
  return {
    unsaved: () => (save === null ? null : (attempt(() => sessionStorage.getItem(unsaved)) ?? null)),
    read: () => attempt(() => localStorage.getItem(KEY)) ?? attempt(themeAlone) ?? null,
    write: (text) => {
      written += 1;
      attempt(() => (save === null ? localStorage.setItem(KEY, text) : sessionStorage.setItem(unsaved, text)));
    },
    tell: (settings) => channel?.postMessage(settings),
    save: save === null ? null : (settings) => {
      const count = written;
      return save(settings).then(() => saved(count));
    },
    onTold: (heard) => channel?.addEventListener("message", ({ data }) => heard(data)),
  };
}

/** Keeps theme and colours for the next first paint; what is usual is kept by nothing. */
export function keepForPaint({ theme, colors }: Pick<Settings, "theme" | "colors">) {
  const text = [theme === "system" ? "" : theme, colors === "green-red" ? "" : colors].join(" ").trim();
  attempt(() => (text === "" ? localStorage.removeItem(PAINT_KEY) : localStorage.setItem(PAINT_KEY, text)));
}

/** Where drawings of a market are kept that no server keeps, or not yet. */
export function drawingKey(user: string | null, symbol: string): string {
  return `truecandle.drawings.${user ?? ""}.${symbol}`;
}

/** Whether there are any. */
export function hasDrawings(user: string | null, symbol: string): boolean {
  return attempt(() => [localStorage, sessionStorage].some((store) => store.getItem(drawingKey(user, symbol)) !== null)) ?? false;
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
