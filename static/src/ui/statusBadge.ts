// The badge in the bar: how fresh the page is, as a shape and a word or two, and the sentence behind it.
// Never here: what the words are (freshness.ts), when they change.
// Invariant: told by shape and text, never by colour alone; a reader hears of trouble once, not of ticks.

import { element } from "./element.ts";
import type { Said, Tone } from "./freshness.ts";

/** Trouble shorter than this is seen, but not read out. */
const ANNOUNCE_AFTER_MS = 2_000;

const TROUBLE: ReadonlySet<Tone> = new Set<Tone>(["warn", "down"]);

export class StatusBadge {
  readonly #badge: HTMLElement;
  readonly #text: HTMLElement;
  readonly #more: HTMLElement;
  readonly #tip: HTMLElement;
  readonly #announce: (text: string) => void;
  #troubleMs: number | null = null;
  #said = "";

  constructor(document: Document, announce: (text: string) => void) {
    this.#badge = element(document, "pill");
    this.#text = element(document, "pill-text");
    this.#more = element(document, "pill-more");
    this.#tip = element(document, "pill-tip");
    this.#announce = announce;
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#dismiss();
    });
    document.addEventListener("pointerdown", (event) => {
      if (!(event.target as Element).closest("#pill, #pill-tip")) this.#dismiss();
    });
    for (const name of ["pointerenter", "pointerdown", "focus"]) this.#badge.addEventListener(name, () => delete this.#badge.dataset.dismissed);
  }

  show({ tone, text, more, detail }: Said, nowMs: number) {
    this.#badge.dataset.tone = tone;
    this.#set(this.#text, text);
    this.#set(this.#more, more);
    this.#set(this.#tip, detail);
    this.#read(tone, text, detail, nowMs);
  }

  /** Trouble that lasts is read out once, and the end of it. */
  #read(tone: Tone, text: string, detail: string, nowMs: number) {
    const isTrouble = TROUBLE.has(tone);
    const troubleMs = this.#troubleMs ?? nowMs;
    this.#troubleMs = isTrouble ? troubleMs : null;
    if (isTrouble && text !== this.#said && nowMs - troubleMs >= ANNOUNCE_AFTER_MS) {
      this.#announce(detail);
      this.#said = text;
    }
    if (!isTrouble && tone !== "busy" && this.#said !== "") {
      this.#announce(`${text}. ${detail}`);
      this.#said = "";
    }
  }

  #dismiss() {
    this.#badge.dataset.dismissed = "";
  }

  #set(cell: HTMLElement, text: string) {
    if (cell.textContent !== text) cell.textContent = text;
  }
}
