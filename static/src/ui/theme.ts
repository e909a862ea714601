// Dark or light: the reader's choice over the system's, and the tokens that the chart draws with.
// Never here: colours themselves (css/tokens.css has them), the chart.
// Invariant: without a stored choice the page follows the system, at once.

const KEY = "truecandle.theme";
const TOKENS = ["bg", "surface", "line", "text", "muted", "accent", "warn", "up", "down"] as const;

export type ThemeColors = Readonly<Record<(typeof TOKENS)[number], string>>;

/** The theme in force: "dark" or "light". */
export function current(): string {
  return document.documentElement.dataset.theme ?? (systemDark().matches ? "dark" : "light");
}

/** The other one; a choice that is the system's own is not stored, so that it follows again. */
export function toggle() {
  const chosen = current() === "dark" ? "light" : "dark";
  const isSystems = (chosen === "dark") === systemDark().matches;
  if (isSystems) delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  store(isSystems ? null : chosen);
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

/** Calls back when the theme in force may have changed. */
export function onChange(callback: () => void) {
  systemDark().addEventListener("change", callback);
  new MutationObserver(callback).observe(document.documentElement, { attributeFilter: ["data-theme"] });
}

/** The tokens' colours as they are now, by name. */
export function tokens(): ThemeColors {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(TOKENS.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])) as ThemeColors;
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

/** A browser that forbids storage still gets the theme, until the page is left. */
function store(theme: string | null) {
  try {
    if (theme === null) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    return;
  }
}
