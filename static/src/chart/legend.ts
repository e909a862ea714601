// The line above the candles: open, high, low, close, change, volume, time and state of one candle.
// Never here: which candle that is (the chart decides), how it is drawn.
// Invariant: what is shown is one candle's own values, with its state in words.

import type { Candle, CandleState } from "../candles/candle.ts";
import { candleState, change, fullMoment, moment, price, volume } from "../ui/format.ts";

const PRICES = ["open", "high", "low", "close"] as const;

type Cell = (typeof PRICES)[number] | "change" | "volume" | "time" | "state";

/** What it takes to tell a candle in words. */
interface Telling {
  readonly interval: string;
  readonly precision: number;
  readonly nowMs: number;
  readonly closesInMs: number | null;
}

export class Legend {
  readonly #cells: Record<Cell, HTMLElement>;
  readonly #root: HTMLElement;

  constructor(root: HTMLElement) {
    this.#root = root;
    const cells = [...root.querySelectorAll<HTMLElement>("[data-cell]")].map((cell) => [cell.dataset.cell, cell]);
    this.#cells = Object.fromEntries(cells) as Record<Cell, HTMLElement>;
  }

  /** `candle` with `state`, or null for none. */
  show(candle: (Candle & { readonly state: CandleState }) | null, { interval, precision, nowMs, closesInMs }: Telling) {
    this.#root.classList.toggle("is-empty", candle === null);
    if (candle === null) return;
    this.#root.dataset.direction = candle.close >= candle.open ? "up" : "down";
    this.#root.dataset.state = candle.state;
    for (const name of PRICES) this.#set(name, price(candle[name], precision));
    this.#set("change", change(candle.open, candle.close));
    this.#set("volume", volume(candle.volume));
    this.#set("time", moment(candle.time, interval, nowMs));
    this.#cells.time.title = fullMoment(candle.time, interval);
    this.#set("state", candleState(candle.state, closesInMs));
  }

  #set(name: Cell, text: string) {
    const cell = this.#cells[name];
    if (cell.textContent !== text) cell.textContent = text;
  }
}
