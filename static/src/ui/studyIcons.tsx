// The small drawings of what is done with a study: shown, hidden.
// Never here: what they mean (the button says it).
// Invariant: each is decoration, in the colour of the text around it.

import type { JSX } from "preact";

export function EyeIcon({ isShut }: { readonly isShut: boolean }): JSX.Element {
  return (
    <svg class="icon-drawing" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      <path d="M1.5 8s2.4-4.25 6.5-4.25S14.5 8 14.5 8 12.1 12.25 8 12.25 1.5 8 1.5 8z" /><circle cx="8" cy="8" r="1.75" />
      {isShut ? <path d="M2.5 13.5l11-11" /> : null}
    </svg>
  );
}
