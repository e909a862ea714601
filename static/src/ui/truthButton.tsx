// The button that opens the Truth panel.
// Never here: the panel.
// Invariant: it says whether the panel is open.

import type { JSX } from "preact";
import { Icon } from "./icons.tsx";
import type { Page } from "./page.ts";

interface TruthButtonProps {
  readonly page: Page;
  /** On phones the bar has no room for it: there it stands in the status line. */
  readonly place: "bar" | "status";
}

export function TruthButton({ page: { state, actions }, place }: TruthButtonProps): JSX.Element {
  const isOpen = state.panel.value === "truth";
  return (
    <button
      id={place === "bar" ? "truth" : "truth-status"} class={place === "bar" ? "button truth-button" : "status-button truth-status"} type="button"
      aria-expanded={isOpen} aria-controls="truth-panel" title="What is official, corrected, missing, and how exact the live chart was"
      onClick={() => actions.open(isOpen ? "none" : "truth")}
    >
      {place === "bar" ? <Icon name="truth" /> : null}<span class="truth-word">Truth</span>
    </button>
  );
}
