// The page's small drawings, by name.
// Never here: where they stand, what they mean (the text beside them says it).
// Invariant: each is decoration: hidden from readers, in the colour of the text around it.

import type { JSX } from "preact";

const PATHS = {
  chevron: { box: "0 0 10 6", width: 10, height: 6, d: ["M1 1l4 4 4-4"] },
  forward: { box: "0 0 6 10", width: 6, height: 10, d: ["M1 1l4 4-4 4"] },
  out: { box: "0 0 16 16", width: 16, height: 16, d: ["M6.5 2.5h-4v11h4M6 8h8M11 5l3 3-3 3"] },
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

/** Half dark, half light. */
export function ThemeIcon(): JSX.Element {
  return (
    <svg class="icon-drawing" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <circle cx="8" cy="8" r="6.25" /><path class="fill" d="M8 1.75a6.25 6.25 0 0 1 0 12.5z" />
    </svg>
  );
}
