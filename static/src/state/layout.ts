// A layout: how many charts stand beside each other, what each of them shows, and what they have in common.
// Never here: where layouts are kept, charts themselves.
// Invariant: a layout has as many panes as its grid has places; what is none is null, never half of one.

import { NO_LINKS, type Grid, type LinkName, type Links } from "./gridState.ts";
import { CHOICES, type ChartType, type ScaleMode, type SeriesName } from "./preferences.ts";

/** How many charts there may be. */
export const GRIDS: readonly Grid[] = [1, 2, 3, 4];

/** Characters of a layout's name. */
export const LAYOUT_NAME_MAX = 60;

/** What charts may have in common. */
export const LINKS = Object.keys(NO_LINKS) as readonly LinkName[];

/** One chart of a layout. */
export interface LayoutPane extends SeriesName {
  readonly type?: ChartType;
  readonly scale?: ScaleMode;
  readonly inverted?: boolean;
  readonly studies?: readonly unknown[];
}

export interface Layout {
  readonly grid: Grid;
  readonly panes: readonly LayoutPane[];
  readonly links: Links;
}

const SYMBOL = /^[\p{L}\p{N}._-]{1,20}$/u;

/** What was kept as a layout, if it is one; null if not. What a pane has of its own and is not known is left out. */
export function checkedLayout(given: unknown): Layout | null {
  if (!isObject(given) || !Array.isArray(given.panes)) return null;
  const grid = GRIDS.find((one) => one === given.grid);
  const panes = given.panes.map(pane);
  if (grid === undefined || panes.length !== grid || panes.includes(null)) return null;
  const links = isObject(given.links) ? given.links : {};
  return { grid, panes: panes as LayoutPane[], links: Object.fromEntries(LINKS.map((name) => [name, links[name] === true])) as Links };
}

function pane(given: unknown): LayoutPane | null {
  if (!isObject(given)) return null;
  const { symbol, interval, type, scale, inverted, studies } = given;
  if (typeof symbol !== "string" || !SYMBOL.test(symbol) || typeof interval !== "string" || interval.length > 3) return null;
  return {
    symbol, interval,
    ...(isOneOf(CHOICES.type, type) ? { type } : {}),
    ...(isOneOf(CHOICES.scale, scale) ? { scale } : {}),
    ...(typeof inverted === "boolean" ? { inverted } : {}),
    ...(Array.isArray(studies) ? { studies } : {}),
  };
}

function isOneOf<T extends string>(allowed: readonly T[], value: unknown): value is T {
  return (allowed as readonly unknown[]).includes(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
