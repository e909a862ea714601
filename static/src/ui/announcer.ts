// What a screen reader hears of: candles that closed, trouble that lasts and its end, what was asked for.
// Never here: the DOM (app.tsx holds the live region), the words for freshness.
// Invariant: trouble is read out once, not with every tick; candles at most every `CLOSED_EVERY_MS`.

import { signal } from "@preact/signals-core";
import type { Candle } from "../candles/candle.ts";
import type { ViewModel } from "../state/viewModel.ts";
import type { Said, Tone } from "./freshness.ts";
import { fullMoment, price } from "./format.ts";

/** A screen reader hears of a closed candle at most this often: 1s candles close every second. */
const CLOSED_EVERY_MS = 20_000;

/** Trouble shorter than this is seen, but not read out. */
const TROUBLE_AFTER_MS = 2_000;

const TROUBLE: ReadonlySet<Tone> = new Set<Tone>(["warn", "down"]);

export class Announcer {
  /** The text of the live region. */
  readonly text = signal("");

  /** What came of something that was asked for, to be seen too; "" when it was seen for long enough. */
  readonly told = signal("");
  #closedMs = 0;
  #troubleMs: number | null = null;
  #said = "";

  say(text: string) {
    this.text.value = text;
  }

  /** Says it to readers, and shows it for a while. */
  tell(text: string) {
    this.text.value = text;
    this.told.value = text;
  }

  /** An official candle took its place. */
  closed({ symbol, interval, nowMs }: ViewModel, row: Candle, precision: number) {
    if (nowMs - this.#closedMs < CLOSED_EVERY_MS) return;
    this.#closedMs = nowMs;
    this.say(`${symbol} ${interval} of ${fullMoment(row.time, interval)} closed at ${price(row.close, precision)}, official.`);
  }

  /** How fresh the page is at that exchange time. */
  fresh({ tone, text, detail }: Said, nowMs: number) {
    const isTrouble = TROUBLE.has(tone);
    const troubleMs = this.#troubleMs ?? nowMs;
    this.#troubleMs = isTrouble ? troubleMs : null;
    if (isTrouble && text !== this.#said && nowMs - troubleMs >= TROUBLE_AFTER_MS) {
      this.say(detail);
      this.#said = text;
    }
    if (!isTrouble && tone !== "busy" && this.#said !== "") {
      this.say(`${text}. ${detail}`);
      this.#said = "";
    }
  }
}
