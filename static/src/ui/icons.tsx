// The page's small drawings, by name.
// Never here: where they stand, what they mean (the text beside them says it).
// Invariant: each is decoration: hidden from readers, in the colour of the text around it.

import type { JSX } from "preact";
import type { ChartType } from "../state/preferences.ts";

const PATHS = {
  chevron: { box: "0 0 10 6", width: 10, height: 6, d: ["M1 1l4 4 4-4"] },
  forward: { box: "0 0 6 10", width: 6, height: 10, d: ["M1 1l4 4-4 4"] },
  out: { box: "0 0 16 16", width: 16, height: 16, d: ["M6.5 2.5h-4v11h4M6 8h8M11 5l3 3-3 3"] },
  tick: { box: "0 0 16 16", width: 14, height: 14, d: ["M3 8.5l3.5 3.5L13 4.5"] },
  more: { box: "0 0 16 16", width: 16, height: 16, d: ["M3 8h.01", "M8 8h.01", "M13 8h.01"] },
  link: { box: "0 0 16 16", width: 14, height: 14, d: ["M6.5 9.5l3-3", "M7.5 4.5l1.2-1.2a2.8 2.8 0 0 1 4 4L11.5 8.5", "M8.5 11.5l-1.2 1.2a2.8 2.8 0 0 1-4-4L4.5 7.5"] },
  truth: { box: "0 0 16 16", width: 16, height: 16, d: ["M8 1.75l5 1.9v3.6c0 3.2-2 5.7-5 7-3-1.3-5-3.8-5-7v-3.6z", "M5.6 8l1.8 1.8 3.2-3.4"] },
  star: { box: "0 0 16 16", width: 14, height: 14, d: ["M8 1.8l1.9 4 4.3.6-3.1 3 .8 4.4L8 11.7l-3.9 2.1.8-4.4-3.1-3 4.3-.6z"] },
  list: { box: "0 0 16 16", width: 16, height: 16, d: ["M2.5 4h1M6 4h7.5M2.5 8h1M6 8h7.5M2.5 12h1M6 12h7.5"] },
  grid: { box: "0 0 16 16", width: 16, height: 16, d: ["M2 2.5h12v11H2zM8 2.5v11M2 8h12"] },
  up: { box: "0 0 8 8", width: 8, height: 8, d: ["M4 1.5l3 5H1z"] },
  down: { box: "0 0 8 8", width: 8, height: 8, d: ["M4 6.5l3-5H1z"] },
  studies: { box: "0 0 16 16", width: 16, height: 16, d: ["M1.5 11l3.5-4 3 2.5 6-6.5", "M1.5 14c4 0 5-5 13-5"] },
  close: { box: "0 0 16 16", width: 16, height: 16, d: ["M4 4l8 8M12 4l-8 8"] },
  calendar: { box: "0 0 16 16", width: 16, height: 16, d: ["M2.5 3.5h11v10h-11zM2.5 6.5h11M5.5 1.5v3M10.5 1.5v3M6 10h4"] },
} as const;

export function Icon({ name }: { readonly name: keyof typeof PATHS }): JSX.Element {
  const { box, width, height, d } = PATHS[name];
  return (
    <svg class={`icon-drawing icon-${name}`} viewBox={box} width={width} height={height} aria-hidden="true">
      {d.map((path) => <path key={path} d={path} />)}
    </svg>
  );
}

/** A pencil. */
export function DrawingIcon(): JSX.Element {
  return <svg class="icon-drawing" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path d="M2.5 13.5l1-3.5L11 2.5 13.5 5 6 12.5zM9.2 4.3l2.5 2.5" /></svg>;
}

/** Half dark, half light. */
export function ThemeIcon(): JSX.Element {
  return (
    <svg class="icon-drawing" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <circle cx="8" cy="8" r="6.25" /><path class="fill" d="M8 1.75a6.25 6.25 0 0 1 0 12.5z" />
    </svg>
  );
}

/** Lines, and what is filled, of each type of chart. */
const TYPES: Readonly<Record<ChartType, { readonly d: string; readonly fill?: string }>> = {
  candles: { d: "M4.5 1.5v13M11.5 1.5v13", fill: "M2.5 4h4v7h-4zM9.5 6h4v6h-4z" },
  hollow: { d: "M4.5 1.5V4M4.5 11v3.5M2.5 4h4v7h-4zM11.5 1.5V6M11.5 12v2.5", fill: "M9.5 6h4v6h-4z" },
  bars: { d: "M4.5 2v12M2 11h2.5M4.5 5H7M11.5 2v12M9 4.5h2.5M11.5 11H14" },
  line: { d: "M1.5 12l4-5 3 3 6-7" },
  area: { d: "M1.5 11l4-5 3 3 6-6", fill: "M1.5 11l4-5 3 3 6-6V14.5h-13z" },
  "heikin-ashi": { d: "M3.5 6v8M8 4v8M12.5 1.5v8", fill: "M2 8h3v4H2zM6.5 6h3v4h-3zM11 3h3v4.5h-3z" },
};

export function TypeIcon({ type }: { readonly type: ChartType }): JSX.Element {
  const { d, fill } = TYPES[type];
  return (
    <svg class="icon-drawing" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={d} />{fill === undefined ? null : <path class={type === "area" ? "fill is-pale" : "fill"} d={fill} />}
    </svg>
  );
}
