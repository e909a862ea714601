// The line above the candles: open, high, low, close, change, volume, time and state of one candle.
// Never here: which candle that is (the chart decides), how it is drawn.
// Invariant: what is shown is one candle's own values, with its state in words.

import { candleState, change, fullMoment, moment, price, volume } from "./words.js";

export class Legend {
  #cells;
  #root;

  constructor(root) {
    this.#root = root;
    this.#cells = Object.fromEntries([...root.querySelectorAll("[data-cell]")].map((cell) => [cell.dataset.cell, cell]));
  }

  /** `candle` with `state`, or null for none. */
  show(candle, { interval, precision, nowMs, closesInMs }) {
    this.#root.classList.toggle("is-empty", candle === null);
    if (candle === null) return;
    this.#root.dataset.direction = candle.close >= candle.open ? "up" : "down";
    this.#root.dataset.state = candle.state;
    for (const name of ["open", "high", "low", "close"]) this.#set(name, price(candle[name], precision));
    this.#set("change", change(candle.open, candle.close));
    this.#set("volume", volume(candle.volume));
    this.#set("time", moment(candle.time, interval, nowMs));
    this.#cells.time.title = fullMoment(candle.time, interval);
    this.#set("state", candleState(candle.state, closesInMs));
  }

  #set(name, text) {
    const cell = this.#cells[name];
    if (cell.textContent !== text) cell.textContent = text;
  }
}
