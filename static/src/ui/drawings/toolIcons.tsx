// The small drawings of the drawing tools, by name.
// Never here: what a tool does, its words.
// Invariant: each is decoration: hidden from readers, in the colour of the text around it.

import type { JSX } from "preact";
import type { DrawingKind } from "../../drawings/drawing.ts";

/** Lines; a circle is a point that anchors the drawing. */
const PATHS: Readonly<Record<DrawingKind | "select" | "magnet" | "keep" | "undo" | "redo" | "hide" | "show" | "list" | "lock" | "unlock" | "remove" | "write" | "fold", string>> = {
  select: "M4 2.5l8.5 5.2-4 .9-2 3.9z",
  trend: "M4.2 11.8l7.6-7.6M3 11.5a1.3 1.3 0 1 0 .1 2.6 1.3 1.3 0 0 0-.1-2.6zM13 1.9a1.3 1.3 0 1 0 .1 2.6 1.3 1.3 0 0 0-.1-2.6z",
  ray: "M4.2 11.8L14.5 1.5M3 11.5a1.3 1.3 0 1 0 .1 2.6 1.3 1.3 0 0 0-.1-2.6z",
  horizontal: "M1.5 8h5M9.5 8h5M8 6.7a1.3 1.3 0 1 0 .1 2.6A1.3 1.3 0 0 0 8 6.7z",
  vertical: "M8 1.5v5M8 9.5v5M8 6.7a1.3 1.3 0 1 0 .1 2.6A1.3 1.3 0 0 0 8 6.7z",
  channel: "M2 9l9-7M5 14l9-7M3.5 11.5l1-.8M6.5 9.2l1-.8M9.5 6.9l1-.8",
  rectangle: "M2.5 4h11v8h-11z",
  fibonacci: "M2 3h12M2 6.3h12M2 9h12M2 13h12M3 13L13 3",
  arrow: "M2.5 13.5l10-10M7 3h6v6",
  text: "M3.5 4.5v-1.5h9v1.5M8 3v10M6.5 13h3",
  measure: "M1.5 10.5l9-9 4 4-9 9zM4 8l1.5 1.5M6.5 5.5L8 7M9 3l1.5 1.5",
  magnet: "M3.5 2.5v6a4.5 4.5 0 0 0 9 0v-6h-3v6a1.5 1.5 0 0 1-3 0v-6zM3.5 5h3M9.5 5h3",
  keep: "M10 2l4 4-3 .8-2.5 2.5-.5 3-4.3-4.3 3-.5L9.2 5zM5.5 10.5L2 14",
  undo: "M5.5 3L2.5 6l3 3M2.5 6h7a4 4 0 0 1 0 8h-3",
  redo: "M10.5 3l3 3-3 3M13.5 6h-7a4 4 0 0 0 0 8h3",
  hide: "M1.5 8s2.5-4.5 6.5-4.5S14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 6.2a1.8 1.8 0 1 0 .1 3.6A1.8 1.8 0 0 0 8 6.2zM2.5 13.5l11-11",
  show: "M1.5 8s2.5-4.5 6.5-4.5S14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 6.2a1.8 1.8 0 1 0 .1 3.6A1.8 1.8 0 0 0 8 6.2z",
  list: "M2.5 4h1M6 4h7.5M2.5 8h1M6 8h7.5M2.5 12h1M6 12h7.5",
  lock: "M3.5 7.5h9v6h-9zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5",
  unlock: "M3.5 7.5h9v6h-9zM5.5 7.5V5a2.5 2.5 0 0 1 4.8-1",
  remove: "M3 4.5h10M6.5 4.5V2.5h3v2M4.5 4.5l.5 9h6l.5-9M7 7v4M9 7v4",
  write: "M3 13l.8-3L11 2.8l2.2 2.2L6 12.2zM9.5 4.3l2.2 2.2",
  fold: "M10 3.5L5.5 8l4.5 4.5",
};

export type ToolIconName = keyof typeof PATHS;

export function ToolIcon({ name }: { readonly name: ToolIconName }): JSX.Element {
  return <svg class="icon-drawing" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path d={PATHS[name]} /></svg>;
}
