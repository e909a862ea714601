// The door to drawing: its button, and the places of what is loaded when somebody draws, or has drawn.
// Never here: tools, lists, drawings themselves (ui/drawings, chart/drawings).
// Invariant: a visit without a drawing loads nothing of it; what comes has its place before it is there.

import { signal } from "@preact/signals";
import type { ComponentType, JSX } from "preact";
import { DrawingIcon } from "./icons.tsx";
import type { Page } from "./page.ts";

interface PageProps {
  readonly page: Page;
}

/** The components that are loaded, and what keys do. */
export interface DrawingPart {
  readonly Rail: ComponentType<PageProps>;
  readonly StyleBar: ComponentType<PageProps>;
  readonly List: ComponentType<PageProps>;
  /** Takes a tool in hand. */
  readonly take: (kind: string) => void;
  /** What is painted on the chart of that number, and where its points are in its pixels. */
  readonly painted: (pane: number) => readonly object[];
}

export class DrawingDoor {
  /** Null until it is loaded. */
  readonly part = signal<DrawingPart | null>(null);
  readonly #load: () => Promise<DrawingPart>;
  readonly #failed: () => void;
  #isAsked = false;

  constructor(load: () => Promise<DrawingPart>, failed: () => void) {
    this.#load = load;
    this.#failed = failed;
  }

  /** Loads it unless it is there or on its way; then does that. */
  want(then: (part: DrawingPart) => void = () => {}) {
    const part = this.part.peek();
    if (part !== null) then(part);
    if (part !== null || this.#isAsked) return;
    this.#isAsked = true;
    this.#load().then((loaded) => {
      this.part.value = loaded;
      then(loaded);
    }, () => {
      this.#isAsked = false;
      this.#failed();
    });
  }
}

/** In the bar: shows the tools, or puts them away. */
export function DrawButton({ page: { preferences } }: PageProps): JSX.Element {
  const isOn = preferences.of("tools").value;
  return (
    <button
      id="draw" class="icon draw-button" type="button" aria-pressed={isOn} aria-label="Drawing tools" aria-keyshortcuts="Alt+D" title="Drawing tools (Alt+D)"
      onClick={() => preferences.set("tools", !isOn)}
    ><DrawingIcon /></button>
  );
}

/** At the left of the charts, on phones below them. */
export function DrawingRail({ page }: PageProps): JSX.Element | null {
  if (!page.preferences.of("tools").value) return null;
  const part = page.drawings.part.value;
  return part === null ? <div class="rail" aria-busy="true" /> : <part.Rail page={page} />;
}

/** Over the charts, while a drawing is selected. */
export function DrawingStyle({ page }: PageProps): JSX.Element | null {
  const part = page.drawings.part.value;
  return part === null ? null : <part.StyleBar page={page} />;
}
