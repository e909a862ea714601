// The buttons whose menus say how the chart is read: type, scale, zone, theme, and all the rest.
// Never here: how a menu works (menuButton.tsx), what is in it (menuGroups.tsx, loaded when one is first opened).
// Invariant: each choice is in one place of the bar, and in "More" where that place is too narrow.

import type { JSX } from "preact";
import type { Settings } from "../state/preferences.ts";
import { zoneName } from "./format.ts";
import { Icon, ThemeIcon, TypeIcon } from "./icons.tsx";
import { later, wantLater } from "./laterOn.ts";
import { MenuButton } from "./menuButton.tsx";
import type { Page, Pane } from "./page.ts";
import { shownZone } from "./shownZone.ts";

export type Words<K extends keyof Settings> = readonly (readonly [Settings[K], string])[];

export const TYPES: Words<"type"> = [
  ["candles", "Candles"], ["hollow", "Hollow candles"], ["bars", "Bars"], ["line", "Line"], ["area", "Area"], ["heikin-ashi", "Heikin Ashi"],
];

interface PageProps {
  readonly page: Page;
}

export function TypeMenu({ page }: PageProps): JSX.Element {
  const type = page.preferences.of("type").value;
  const name = TYPES.find(([value]) => value === type)![1];
  return (
    <MenuButton id="type" name={`Chart type: ${name}`} className="tool" {...groupsOf(page, "typeGroups")}>
      <TypeIcon type={type} /><span class="tool-word">{name}</span><Icon name="chevron" />
    </MenuButton>
  );
}

/** At the foot of the price axis. */
export function ScaleMenu({ page }: { readonly page: Pane }): JSX.Element {
  const { preferences } = page;
  const scale = preferences.of("scale").value;
  const word = scale === "log" ? "Log" : scale === "percent" ? "%" : preferences.of("auto").value ? "Auto" : "Fixed";
  return <MenuButton id={page.id("scale")} name={`Price scale: ${word}`} className="scale" {...groupsOf(page, "scaleGroups")}>{word}</MenuButton>;
}

export function ZoneButton({ page }: PageProps): JSX.Element {
  const zone = shownZone.value;
  const label = zone.label(page.state.view.value?.nowMs ?? 0);
  return (
    <button id="zone" class="tool is-zone" type="button" title={`Time zone: ${zone.name}, ${label} (Alt+Z)`} aria-haspopup="dialog" aria-keyshortcuts="Alt+Z" onClick={() => { page.dialog.value = "zone"; }}>
      <span class="sr">Time zone: </span>{zoneName(zone)}
    </button>
  );
}

export function ThemeMenu({ page }: PageProps): JSX.Element {
  return <MenuButton id="theme" name="Theme" {...groupsOf(page, "themeGroups")}><ThemeIcon /></MenuButton>;
}

/** Everything that has no button of its own, here or at this width; loaded when it is first wanted. */
export function MoreMenu({ page }: PageProps): JSX.Element {
  return (
    <MenuButton id="more" name="More" {...groupsOf(page, "moreGroups")}><Icon name="more" /></MenuButton>
  );
}

/** What a menu holds is loaded when one is first opened. */
export function groupsOf(page: Page, name: "intervalGroups" | "typeGroups" | "scaleGroups" | "themeGroups" | "moreGroups") {
  return { groups: () => later.value?.[name](page) ?? [], onOpen: () => wantLater(page, () => {}) };
}
