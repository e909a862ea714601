// What can be chosen of how the chart is read, in menus: type, scale, zone, theme, colours, what is taken out.
// Never here: how a menu works (menuButton.tsx), what a choice does to the chart.
// Invariant: each choice is in one place of the bar, and in "More" where that place is too narrow.

import type { JSX } from "preact";
import { below } from "../net/basePath.ts";
import type { Settings } from "../state/preferences.ts";
import { zoneName } from "./format.ts";
import { Icon, ThemeIcon, TypeIcon } from "./icons.tsx";
import { MenuButton, type MenuGroup, type MenuItem } from "./menuButton.tsx";
import type { Page, Pane } from "./page.ts";
import { shownZone } from "./shownZone.ts";

type Words<K extends keyof Settings> = readonly (readonly [Settings[K], string])[];

const TYPES: Words<"type"> = [
  ["candles", "Candles"], ["hollow", "Hollow candles"], ["bars", "Bars"], ["line", "Line"], ["area", "Area"], ["heikin-ashi", "Heikin Ashi"],
];
const SCALES: Words<"scale"> = [["normal", "Regular"], ["log", "Logarithmic"], ["percent", "Percent"]];
const SCALE_KEYS = { normal: undefined, log: "Alt L", percent: "Alt P" } as const;
const THEMES: Words<"theme"> = [["system", "As the system"], ["dark", "Dark"], ["light", "Light"]];
const COLORS: Words<"colors"> = [["green-red", "Green up, red down"], ["red-green", "Red up, green down"], ["blue-orange", "Blue up, orange down"]];

interface PageProps {
  readonly page: Page;
}

export function TypeMenu({ page }: PageProps): JSX.Element {
  const type = page.preferences.of("type").value;
  const name = TYPES.find(([value]) => value === type)![1];
  return (
    <MenuButton id="type" name={`Chart type: ${name}`} className="tool" groups={() => [types(page)]}>
      <TypeIcon type={type} /><span class="tool-word">{name}</span><Icon name="chevron" />
    </MenuButton>
  );
}

/** At the foot of the price axis. */
export function ScaleMenu({ page }: { readonly page: Pane }): JSX.Element {
  const { preferences } = page;
  const scale = preferences.of("scale").value;
  const word = scale === "log" ? "Log" : scale === "percent" ? "%" : preferences.of("auto").value ? "Auto" : "Fixed";
  return <MenuButton id={page.id("scale")} name={`Price scale: ${word}`} className="scale" groups={() => [scales(page), axis(page)]}>{word}</MenuButton>;
}

export function ZoneButton({ page }: PageProps): JSX.Element {
  const zone = shownZone.value;
  const label = zone.label(page.state.view.value?.nowMs ?? 0);
  return (
    <button id="zone" class="tool is-zone" type="button" title={`Time zone: ${zone.name}, ${label}`} onClick={() => { page.dialog.value = "zone"; }}>
      <span class="sr">Time zone: </span>{zoneName(zone)}
    </button>
  );
}

export function ThemeMenu({ page }: PageProps): JSX.Element {
  return <MenuButton id="theme" name="Theme" groups={() => [themes(page)]}><ThemeIcon /></MenuButton>;
}

/** Everything that has no button of its own, here or at this width. */
export function MoreMenu({ page }: PageProps): JSX.Element {
  const groups = (): MenuGroup[] => [
    { ...types(page), room: "narrow" }, { ...scales(page), room: "phone" }, { ...axis(page), room: "phone" },
    { name: "Time zone", room: "narrow", items: [{ kind: "action", label: `${zoneName(shownZone.peek())} …`, onChoose: () => { page.dialog.value = "zone"; } }] },
    { ...themes(page), room: "narrow" }, colors(page), taking(page), keys(page), ...account(page),
  ];
  return <MenuButton id="more" name="More" groups={groups}><Icon name="more" /></MenuButton>;
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
  return { name: "Price axis", items: [flag("auto", "Follows the candles"), flag("inverted", "Upside down", "Alt I")] };
}

function themes(page: Page): MenuGroup {
  return { name: "Theme", items: choices(page, "theme", THEMES) };
}

function colors(page: Page): MenuGroup {
  const items = choices(page, "colors", COLORS).map((item, i) => ({ ...item, mark: <span class="swatch" data-pair={COLORS[i]![0]} aria-hidden="true" /> }));
  return { name: "Colours", items };
}

function taking({ takingOut }: Page): MenuGroup {
  return {
    name: "Save and copy",
    items: [
      { kind: "action", label: "Picture of the chart", note: "PNG", keys: "Alt S", onChoose: () => void takingOut.picture() },
      { kind: "action", label: "Candles in sight", note: "CSV", keys: "Alt E", onChoose: () => void takingOut.table() },
      { kind: "action", label: "Copy this candle", keys: "Alt C", onChoose: () => void takingOut.copy() },
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
      { kind: "action", label: "Reset the view", keys: "Alt R", onChoose: actions.resetView },
      { kind: "action", label: "Keyboard shortcuts …", keys: "?", onChoose: () => { dialog.value = "shortcuts"; } },
      { kind: "switch", label: "Shortcuts on", isOn: preferences.of("shortcuts").value, onChoose: () => preferences.set("shortcuts", !preferences.get("shortcuts")) },
    ],
  };
}

/** The choices of one setting. */
function choices<K extends keyof Settings>({ preferences }: Page, key: K, words: Words<K>): MenuItem[] {
  return words.map(([value, label]) => ({ kind: "choice", label, isOn: preferences.of(key).value === value, onChoose: () => preferences.set(key, value) }));
}
