// The interval that is being typed, over the chart: what was typed, and what it means.
// Never here: keys (shortcuts.ts).
// Invariant: there while something is typed, and no longer.

import type { JSX } from "preact";
import type { Shortcuts } from "./shortcuts.ts";

export function TypedInterval({ shortcuts }: { readonly shortcuts: Shortcuts }): JSX.Element | null {
  const typed = shortcuts.typed.value;
  if (typed === "") return null;
  const meant = shortcuts.meant;
  return (
    <p id="typed" class="typed" role="status">
      <strong>{typed}</strong> <span>{meant === null ? "no such interval here" : `interval ${meant}, Enter`}</span>
    </p>
  );
}
