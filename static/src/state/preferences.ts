// What the reader has chosen: theme, zone, colours, type of chart and the rest, one signal a choice.
// Never here: what a choice does, the DOM; where choices are kept (handed in).
// Invariant: a value that is none of those allowed becomes the usual one; the newest choice is kept last.

import { signal, type ReadonlySignal, type Signal } from "@preact/signals-core";
import { isZoneName } from "../candles/zone.ts";
import type { Clock } from "../clock.ts";

export const CHOICES = {
  theme: ["system", "dark", "light"],
  colors: ["green-red", "red-green", "blue-orange"],
  type: ["candles", "hollow", "bars", "line", "area", "heikin-ashi"],
  scale: ["normal", "log", "percent"],
  panel: ["none", "watchlist", "truth", "drawings"],
} as const;

type Choice<K extends keyof typeof CHOICES> = (typeof CHOICES)[K][number];

export type Theme = Choice<"theme">;
export type ColorPair = Choice<"colors">;
export type ChartType = Choice<"type">;
export type ScaleMode = Choice<"scale">;
export type PanelName = Choice<"panel">;

/** A market and an interval by their names. */
export interface SeriesName {
  readonly symbol: string;
  readonly interval: string;
}

/** As the server keeps them, key by key. */
export interface Settings {
  readonly theme: Theme;
  /** "UTC", "local", or an IANA name. */
  readonly zone: string;
  readonly colors: ColorPair;
  readonly type: ChartType;
  readonly scale: ScaleMode;
  readonly inverted: boolean;
  readonly auto: boolean;
  readonly shortcuts: boolean;
  /** Whether the drawing tools are shown. */
  readonly tools: boolean;
  readonly panel: PanelName;
  readonly favourites: readonly string[];
  readonly last: SeriesName | null;
  /** Those of the first chart; what each is, is checked where studies are (chosenStudies.ts). */
  readonly studies: readonly unknown[];
}

export const USUAL: Settings = Object.freeze({
  theme: "system", zone: "UTC", colors: "green-red", type: "candles", scale: "normal", inverted: false, auto: true,
  shortcuts: true, tools: false, panel: "none", favourites: Object.freeze([]), last: null, studies: Object.freeze([]),
});

const FAVOURITES_MAX = 200;
const SYMBOL = /^[\p{L}\p{N}._-]{2,20}$/u;

/** What the reader has chosen, for all of the page or for one chart of it. */
export interface Choices {
  /** The choice as a signal, for those who draw by it. */
  of<K extends keyof Settings>(key: K): ReadonlySignal<Settings[K]>;
  get<K extends keyof Settings>(key: K): Settings[K];
  set<K extends keyof Settings>(key: K, value: Settings[K]): void;
}

/** Where choices are kept; each may fail. */
export interface SettingsKeeping {
  /** What this browser kept, as it was kept, or null. */
  readonly read: () => string | null;
  readonly write: (text: string) => void;
  /** What this tab chose and the server was not known to have when the page was left, or null. */
  readonly unsaved?: () => string | null;
  /** Tells the browser's other tabs. */
  readonly tell: (settings: Settings) => void;
  /** Asks the server to keep them; null where nobody is signed in. */
  readonly save: ((settings: Settings) => Promise<unknown>) | null;
}

/** Choices that come together are saved once. */
const SAVE_AFTER_MS = 1_000;

/** When saving is tried again; then no more until the next choice. */
const RETRIES_MS = [3_000, 10_000, 60_000] as const;

export class Preferences implements Choices {
  readonly #signals: { readonly [K in keyof Settings]: Signal<Settings[K]> };
  readonly #keeping: SettingsKeeping;
  readonly #clock: Pick<Clock, "setTimeout" | "clearTimeout">;
  #timer: number | undefined;

  /** `served`: the server's, of whoever is signed in; else what this browser kept. What is not saved yet goes first. */
  constructor(served: unknown, keeping: SettingsKeeping, clock: Pick<Clock, "setTimeout" | "clearTimeout">) {
    const unsaved = keeping.unsaved?.() ?? null;
    const known = isObject(served) ? served : parsed(keeping.read());
    const settings = checkedSettings(unsaved === null ? known : parsed(unsaved));
    this.#signals = signalsOf(settings);
    this.#keeping = keeping;
    this.#clock = clock;
    if (unsaved !== null) this.#saveSoon(SAVE_AFTER_MS, 0);
  }

  of<K extends keyof Settings>(key: K): ReadonlySignal<Settings[K]> {
    return this.#signals[key];
  }

  get<K extends keyof Settings>(key: K): Settings[K] {
    return this.#signals[key].peek();
  }

  /** Chooses, and keeps it. */
  set<K extends keyof Settings>(key: K, value: Settings[K]) {
    const next = checkedSettings({ ...this.all, [key]: value });
    if (JSON.stringify(next[key]) === JSON.stringify(this.get(key))) return;
    this.#signals[key].value = next[key];
    this.#keeping.write(JSON.stringify(this.all));
    this.#keeping.tell(this.all);
    this.#saveSoon(SAVE_AFTER_MS, 0);
  }

  /** The page is left: what waits to be saved is saved now. */
  flush() {
    if (this.#timer !== undefined) this.#save(RETRIES_MS.length);
  }

  /** What another tab has chosen and keeps. */
  heard(settings: unknown) {
    const next = checkedSettings(settings);
    for (const key of Object.keys(next) as (keyof Settings)[]) this.#take(key, next);
  }

  get all(): Settings {
    return Object.fromEntries(Object.entries(this.#signals).map(([key, one]) => [key, one.peek()])) as unknown as Settings;
  }

  #take<K extends keyof Settings>(key: K, next: Settings) {
    if (JSON.stringify(next[key]) !== JSON.stringify(this.get(key))) this.#signals[key].value = next[key];
  }

  #saveSoon(waitMs: number, attempt: number) {
    if (this.#keeping.save === null) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = this.#clock.setTimeout(() => this.#save(attempt), waitMs);
  }

  /** All of them; once more after a while if it fails, unless a newer choice is on its way by then. */
  #save(attempt: number) {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#keeping.save?.(this.all).catch(() => {
      const nextMs = RETRIES_MS[attempt];
      if (nextMs !== undefined && this.#timer === undefined) this.#saveSoon(nextMs, attempt + 1);
    });
  }
}

/** All settings of what may be some of them. */
export function checkedSettings(given: unknown): Settings {
  const raw: Record<string, unknown> = isObject(given) ? given : {};
  const chosen = Object.entries(CHOICES).map(([key, allowed]) => {
    const isAllowed = (allowed as readonly unknown[]).includes(raw[key]);
    return [key, isAllowed ? raw[key] : USUAL[key as keyof typeof CHOICES]];
  });
  const flags = (["inverted", "auto", "shortcuts", "tools"] as const).map((key) => [key, typeof raw[key] === "boolean" ? raw[key] : USUAL[key]]);
  return Object.freeze({
    ...Object.fromEntries([...chosen, ...flags]),
    zone: typeof raw.zone === "string" && isZone(raw.zone) ? raw.zone : USUAL.zone,
    favourites: Array.isArray(raw.favourites) ? [...new Set(raw.favourites.filter(isSymbol))].slice(0, FAVOURITES_MAX) : USUAL.favourites,
    last: lastOf(raw.last),
    studies: Array.isArray(raw.studies) ? raw.studies : USUAL.studies,
  }) as Settings;
}

function lastOf(raw: unknown): Settings["last"] {
  if (!isObject(raw) || !isSymbol(raw.symbol) || typeof raw.interval !== "string") return null;
  return { symbol: raw.symbol, interval: raw.interval.slice(0, 8) };
}

function isZone(name: string) {
  return name === "local" || isZoneName(name);
}

function isSymbol(value: unknown): value is string {
  return typeof value === "string" && SYMBOL.test(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parsed(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

function signalsOf(settings: Settings): { readonly [K in keyof Settings]: Signal<Settings[K]> } {
  return Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, signal(value)])) as never;
}
