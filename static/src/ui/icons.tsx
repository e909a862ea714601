// The page's small drawings, by name.
// Never here: where they stand, what they mean (the text beside them says it).
// Invariant: each is decoration: hidden from readers, in the colour of the text around it.

import type { JSX } from "preact";

const PATHS = {
  chevron: { box: "0 0 10 6", width: 10, height: 6, d: ["M1 1l4 4 4-4"] },
  forward: { box: "0 0 6 10", width: 6, height: 10, d: ["M1 1l4 4-4 4"] },
  out: { box: "0 0 16 16", width: 16, height: 16, d: ["M6.5 2.5h-4v11h4M6 8h8M11 5l3 3-3 3"] },
  done: { box: "0 0 16 16", width: 14, height: 14, d: ["M3 8.5l3.5 3.5L13 5"] },
  link: { box: "0 0 16 16", width: 14, height: 14, d: ["M6.5 9.5l3-3", "M7.5 4.5l1.2-1.2a2.8 2.8 0 0 1 4 4L11.5 8.5", "M8.5 11.5l-1.2 1.2a2.8 2.8 0 0 1-4-4L4.5 7.5"] },
  truth: { box: "0 0 16 16", width: 16, height: 16, d: ["M8 1.75l5 1.9v3.6c0 3.2-2 5.7-5 7-3-1.3-5-3.8-5-7v-3.6z", "M5.6 8l1.8 1.8 3.2-3.4"] },
  close: { box: "0 0 16 16", width: 16, height: 16, d: ["M4 4l8 8M12 4l-8 8"] },
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
