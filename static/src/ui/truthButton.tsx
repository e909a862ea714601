// The button in the bar that opens the Truth panel.
// Never here: the panel.
// Invariant: it says whether the panel is open.

import type { JSX } from "preact";
import { Icon } from "./icons.tsx";
import type { Page } from "./page.ts";

export function TruthButton({ page: { state, actions } }: { readonly page: Page }): JSX.Element {
  const isOpen = state.panel.value === "truth";
  return (
    <button
      id="truth" class="button truth-button" type="button" aria-expanded={isOpen} aria-controls="truth-panel"
      title="What is official, corrected, missing, and how exact the live chart was" onClick={() => actions.open(isOpen ? "none" : "truth")}
    >
      <Icon name="truth" /><span class="truth-word">Truth</span>
    </button>
  );
}
