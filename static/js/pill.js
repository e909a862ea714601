// The pill in the bar: how fresh the page is, as a shape and a word or two, and the sentence behind it.
// Never here: what the words are (freshness.js), when they change.
// Invariant: told by shape and text, never by colour alone; a reader hears of trouble once, not of ticks.

/** Trouble shorter than this is seen, but not read out. */
const ANNOUNCE_AFTER_MS = 2_000;

const TROUBLE = new Set(["warn", "down"]);

export class Pill {
  #pill;
  #text;
  #more;
  #tip;
  #announce;
  #troubleMs = null;
  #said = "";

  constructor(document, announce) {
    [this.#pill, this.#text, this.#more, this.#tip] = ["pill", "pill-text", "pill-more", "pill-tip"].map((id) => document.getElementById(id));
    this.#announce = announce;
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#dismiss();
    });
    document.addEventListener("pointerdown", (event) => {
      if (!event.target.closest("#pill, #pill-tip")) this.#dismiss();
    });
    for (const name of ["pointerenter", "pointerdown", "focus"]) this.#pill.addEventListener(name, () => delete this.#pill.dataset.dismissed);
  }

  show({ tone, text, more, detail }, nowMs) {
    this.#pill.dataset.tone = tone;
    this.#set(this.#text, text);
    this.#set(this.#more, more);
    this.#set(this.#tip, detail);
    this.#read(tone, text, detail, nowMs);
  }

  /** Trouble that lasts is read out once, and the end of it. */
  #read(tone, text, detail, nowMs) {
    const isTrouble = TROUBLE.has(tone);
    this.#troubleMs = isTrouble ? (this.#troubleMs ?? nowMs) : null;
    if (isTrouble && text !== this.#said && nowMs - this.#troubleMs >= ANNOUNCE_AFTER_MS) {
      this.#announce(detail);
      this.#said = text;
    }
    if (!isTrouble && tone !== "busy" && this.#said !== "") {
      this.#announce(`${text}. ${detail}`);
      this.#said = "";
    }
  }

  #dismiss() {
    this.#pill.dataset.dismissed = "";
  }

  #set(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }
}
