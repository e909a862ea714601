// Shortcuts of the whole page: digits choose an interval, a letter opens the search, Alt and a letter does the rest.
// Never here: the chart's own keys, which need its focus (chart/cursor.ts); what an action does.
// Invariant: nothing happens while somebody types in a field or a menu, nor when shortcuts are switched off.

import { signal } from "@preact/signals";
import type { Clock } from "../clock.ts";
import { intervalOf, isIntervalStart } from "./intervalKeys.ts";

/** What a key event tells. */
export interface Pressed {
  readonly key: string;
  /** The key's place, which Alt does not change. */
  readonly code: string;
  readonly altKey: boolean;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
}

interface ShortcutParts {
  readonly intervals: readonly string[];
  readonly isOn: () => boolean;
  readonly clock: Pick<Clock, "setTimeout" | "clearTimeout">;
  readonly go: (interval: string) => void;
  readonly openSearch: (text: string) => void;
  readonly openList: () => void;
  readonly say: (text: string) => void;
  /** By the key's place: what Alt and that key does. */
  readonly alt: Readonly<Record<string, () => void>>;
}

/** What was typed is chosen by itself after that pause. */
const PAUSE_MS = 1_500;

export class Shortcuts {
  /** Digits so far, for an interval; "" while none are typed. */
  readonly typed = signal("");
  readonly #parts: ShortcutParts;
  #timer: number | undefined;

  constructor(parts: ShortcutParts) {
    this.#parts = parts;
  }

  /** False for a key that means nothing here. */
  press({ key, code, altKey, ctrlKey, metaKey }: Pressed): boolean {
    if (!this.#parts.isOn() || ctrlKey || metaKey) return false;
    if (altKey) return this.#alt(code);
    if (this.typed.peek() !== "" || /^[1-9]$/.test(key)) return this.#interval(key);
    if (key === "?") this.#parts.openList();
    else if (key === "/") this.#parts.openSearch("");
    else if (/^\p{L}$/u.test(key)) this.#parts.openSearch(key.toUpperCase());
    else return false;
    return true;
  }

  /** The interval that is meant by what is typed, or null. */
  get meant(): string | null {
    return intervalOf(this.typed.value, this.#parts.intervals);
  }

  #alt(code: string): boolean {
    const action = Object.hasOwn(this.#parts.alt, code) ? this.#parts.alt[code] : undefined;
    action?.();
    return action !== undefined;
  }

  #interval(key: string): boolean {
    const before = this.typed.peek();
    if (key === "Enter") this.#choose();
    else if (key === "Escape") this.#type("");
    else if (key === "Backspace") this.#type(before.slice(0, -1));
    else if (isIntervalStart(before + key)) this.#type(before + key);
    else return key.length === 1; // a key that does not fit is not a market's first letter either
    return true;
  }

  #type(text: string) {
    this.typed.value = text;
    this.#parts.clock.clearTimeout(this.#timer);
    if (text !== "") this.#timer = this.#parts.clock.setTimeout(() => this.#choose(), PAUSE_MS);
  }

  #choose() {
    const [typed, meant] = [this.typed.peek(), intervalOf(this.typed.peek(), this.#parts.intervals)];
    this.#type("");
    if (typed === "") return;
    if (meant === null) this.#parts.say(`No interval ${typed} is offered here.`);
    else this.#parts.go(meant);
  }
}

/** Whether the keys of an event are meant for something that is open or typed into. */
export function isElsewhere({ target, defaultPrevented, isComposing }: KeyboardEvent): boolean {
  if (defaultPrevented || isComposing) return true;
  const isField = target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"));
  return isField || document.querySelector(":popover-open, dialog[open]") !== null;
}
