// What is in the menus: intervals, how the chart is read, what is taken out, drawings, keys, account.
// Never here: how a menu works (menuButton.tsx), their buttons (readingMenus.tsx), what a choice does to the chart.
// Invariant: each choice is in one place of the bar, and in "More" where that place is too narrow.

import { below } from "../net/basePath.ts";
import { zoneName } from "./format.ts";
import { TypeIcon } from "./icons.tsx";
import type { MenuGroup, MenuItem } from "./menuButton.tsx";
import type { Settings } from "../state/preferences.ts";
import type { Page } from "./page.ts";
import { TYPES, type Words } from "./readingMenus.tsx";
import { shownZone } from "./shownZone.ts";

const SCALES: Words<"scale"> = [["normal", "Regular"], ["log", "Logarithmic"], ["percent", "Percent"]];
const SCALE_KEYS = { normal: undefined, log: "Alt+L", percent: "Alt+P" } as const;
const THEMES: Words<"theme"> = [["system", "As the system"], ["dark", "Dark"], ["light", "Light"]];
const COLORS: Words<"colors"> = [["green-red", "Green up, red down"], ["red-green", "Red up, green down"], ["blue-orange", "Blue up, orange down"]];

/** By the letters that stand for a unit; the last group is all the longer ones. */
const UNITS: readonly (readonly [group: string, letters: string])[] = [["Seconds", "s"], ["Minutes", "m"], ["Hours", "h"], ["Days and longer", "dwM"]];
const UNIT_NAMES: Readonly<Record<string, string>> = { s: "second", m: "minute", h: "hour", d: "day", w: "week", M: "month" };

export const typeGroups = (page: Page) => [types(page)];
export const scaleGroups = (page: Page) => [scales(page), axis(page)];
export const themeGroups = (page: Page) => [themes(page)];

/** All intervals, also those that stand in the bar. */
export function intervalGroups({ config, state, actions }: Page): MenuGroup[] {
  const shown = state.shown.value?.interval ?? config.interval;
  const item = (interval: string): MenuItem => ({
    kind: "choice", label: intervalWords(interval), note: interval, isOn: interval === shown, onChoose: () => actions.go({ interval }),
  });
  const groups = UNITS.map(([name, letters]) => ({ name, items: config.intervals.filter((one) => letters.includes(one.slice(-1))).map(item) }));
  return groups.filter(({ items }) => items.length > 0);
}

/** "4 hours". */
function intervalWords(interval: string): string {
  const count = Number.parseInt(interval, 10);
  return `${count} ${UNIT_NAMES[interval.slice(-1)]}${count === 1 ? "" : "s"}`;
}

/** Everything that has no button of its own, here or at this width. */
export function moreGroups(page: Page): MenuGroup[] {
  return [
    tools(page), { ...types(page), room: "narrow" }, { ...scales(page), room: "phone" }, { ...axis(page), room: "phone" },
    { name: "Time zone", room: "narrow", items: [{ kind: "action", label: `${zoneName(shownZone.peek())} …`, onChoose: () => { page.dialog.value = "zone"; } }] },
    { name: "Charts", room: "narrow", items: [{ kind: "action", label: "Charts and layouts …", keys: "Alt+W", onChoose: () => { page.dialog.value = "charts"; } }] },
    { ...themes(page), room: "narrow" }, colors(page), taking(page), keys(page), ...account(page),
  ];
}

function colors(page: Page): MenuGroup {
  const items = choices(page, "colors", COLORS).map((item, i) => ({ ...item, mark: <span class="swatch" data-pair={COLORS[i]![0]} aria-hidden="true" /> }));
  return { name: "Colours", items };
}

function tools({ preferences, actions, dialog }: Page): MenuGroup {
  const isOn = preferences.get("tools");
  return {
    name: "Studies and drawings",
    items: [
      { kind: "action", label: "Studies …", keys: "Alt+U", onChoose: () => { dialog.value = "studies"; } },
      { kind: "switch", label: "Drawing tools", keys: "Alt+D", isOn: preferences.of("tools").value, onChoose: () => preferences.set("tools", !isOn) },
      { kind: "action", label: "List of drawings …", onChoose: () => actions.open("drawings") },
    ],
  };
}

function taking({ takingOut }: Page): MenuGroup {
  return {
    name: "Save and copy",
    items: [
      { kind: "action", label: "Picture of the chart", note: "PNG", keys: "Alt+S", onChoose: () => void takingOut.picture() },
      { kind: "action", label: "Candles in sight", note: "CSV", keys: "Alt+E", onChoose: () => void takingOut.table() },
      { kind: "action", label: "Copy this candle", keys: "Alt+C", onChoose: () => void takingOut.copy() },
    ],
  };
}

/** The name in the bar leads there too, where there is room for it. */
function account({ config }: Page): MenuGroup[] {
  if (!config.signed_in) return [];
  return [{ name: "Account", items: [{ kind: "action", label: "Password, sessions, tokens …", onChoose: () => location.assign(below("/account")) }] }];
}

function keys({ preferences, dialog, actions }: Page): MenuGroup {
  return {
    name: "View and keyboard",
    items: [
      { kind: "action", label: "Reset the view", keys: "Alt+R", onChoose: actions.resetView },
      { kind: "action", label: "Keyboard shortcuts …", keys: "?", onChoose: () => { dialog.value = "shortcuts"; } },
      { kind: "switch", label: "Shortcuts on", isOn: preferences.of("shortcuts").value, onChoose: () => preferences.set("shortcuts", !preferences.get("shortcuts")) },
    ],
  };
}

function types(page: Page): MenuGroup {
  return { name: "Chart type", items: choices(page, "type", TYPES).map((item, i) => ({ ...item, mark: <TypeIcon type={TYPES[i]![0]} /> })) };
}

function scales(page: Page): MenuGroup {
  return { name: "Price scale", items: choices(page, "scale", SCALES).map((item, i) => ({ ...item, keys: SCALE_KEYS[SCALES[i]![0]] })) };
}

function axis({ preferences }: Page): MenuGroup {
  const flag = (key: "auto" | "inverted", label: string, keys?: string): MenuItem => ({
    kind: "switch", label, keys, isOn: preferences.of(key).value, onChoose: () => preferences.set(key, !preferences.get(key)),
  });
  return { name: "Price axis", items: [flag("auto", "Follows the candles"), flag("inverted", "Upside down", "Alt+I")] };
}

function themes(page: Page): MenuGroup {
  return { name: "Theme", items: choices(page, "theme", THEMES) };
}

/** The choices of one setting. */
function choices<K extends keyof Settings>({ preferences }: Page, key: K, words: Words<K>): MenuItem[] {
  return words.map(([value, label]) => ({ kind: "choice", label, isOn: preferences.of(key).value === value, onChoose: () => preferences.set(key, value) }));
}
