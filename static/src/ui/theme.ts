// Dark or light, and the pair of colours for up and down: put onto the page, and read from it as tokens.
// Never here: colours themselves (css/tokens.css has them), the chart, where choices are kept.
// Invariant: without a choice of the reader's the page follows the system, at once.

import type { ColorPair, Theme } from "../state/preferences.ts";

const TOKENS = ["bg", "surface", "line", "text", "muted", "accent", "warn", "up", "down"] as const;

export type ThemeColors = Readonly<Record<(typeof TOKENS)[number], string>>;

/** Puts the reader's choice onto the page. */
export function dress(theme: Theme, colors: ColorPair) {
  const { dataset } = document.documentElement;
  const [wantedTheme, wantedColors] = [theme === "system" ? undefined : theme, colors === "green-red" ? undefined : colors];
  if (dataset.theme !== wantedTheme) put(dataset, "theme", wantedTheme);
  if (dataset.colors !== wantedColors) put(dataset, "colors", wantedColors);
  colorBrowser();
}

/** A phone's own bar, above the page, in the colour of ours. */
function colorBrowser() {
  const { surface } = tokens();
  for (const meta of document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]')) meta.content = surface;
}

/** Light for a while, whatever was chosen; undone by what it returns. */
export function forceLight(): () => void {
  const { dataset } = document.documentElement;
  const before = dataset.theme;
  dataset.theme = "light";
  return () => {
    if (before === undefined) delete dataset.theme;
    else dataset.theme = before;
  };
}

/** Calls back when the colours in force may have changed. */
export function onChange(callback: () => void) {
  systemDark().addEventListener("change", callback);
  new MutationObserver(callback).observe(document.documentElement, { attributeFilter: ["data-theme", "data-colors"] });
}

/** The tokens' colours as they are now, by name. */
export function tokens(): ThemeColors {
  return tokensOf(TOKENS);
}

/** The colours of these tokens as they are now. */
export function tokensOf<Name extends string>(names: readonly Name[]): Readonly<Record<Name, string>> {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])) as Record<Name, string>;
}

/** `#2EBD85` at that opacity. */
export function alpha(hex: string, opacity: number): string {
  const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
  return `rgba(${red}, ${green}, ${blue}, ${opacity})`;
}

export function prefersStillness(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

function systemDark() {
  return matchMedia("(prefers-color-scheme: dark)");
}

function put(dataset: DOMStringMap, name: "theme" | "colors", value: string | undefined) {
  if (value === undefined) delete dataset[name];
  else dataset[name] = value;
}
