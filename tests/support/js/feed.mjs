// A feed with one truth: random trades at 1s, told as the server tells them, and late, and ahead.
import { add } from "../../../static/src/candles/candle.ts";
import { T0 } from "./world.mjs";

const SECOND = 1_000;
const NAME = { symbol: "BTCUSDT", interval: "1s" };

export class Feed {
  #random;
  #trades = []; // all that were ever made: {id, time, price, volume}
  #received = new Map(); // open time → those that the feed has got
  #late = [];
  #untold = [];
  #changed = new Set();
  #toldSecond = 0;

  constructor(random, startMs = T0) {
    this.#random = random;
    this.ms = startMs;
    this.officialMs = -1;
  }

  /** Some time passes, and some trades; the events that tell of them, in order. */
  step() {
    this.ms += this.#random() < 0.05 ? 1_000 + this.#random() * 3_000 : 50 + this.#random() * 300;
    this.ms = Math.floor(this.ms);
    const late = this.#late.splice(0);
    const made = this.#random() < 0.25 ? [] : Array.from({ length: 1 + Math.floor(this.#random() * 4) }, () => this.#trade());
    for (const trade of [...late, ...made]) {
      if (!late.includes(trade) && this.#random() < 0.04) this.#late.push(trade);
      else this.#receive(trade);
    }
    return [...this.#prices(), ...this.#candles()];
  }

  /** What `/data?live=1` and an acknowledgement hold: all closed ones without official version, and the newest. */
  get live() {
    const times = [...this.#received.keys()].filter((time) => time > this.officialMs).sort((a, b) => a - b);
    return times.map((time) => this.candle(time));
  }

  /** Closed candles up to that time become official; the rows. */
  settle(untilMs) {
    const times = [...this.#received.keys()].filter((time) => time > this.officialMs && time + SECOND <= untilMs).sort((a, b) => a - b);
    const newest = Math.max(...this.#received.keys());
    const rows = times.filter((time) => time < newest).map((time) => this.truth(time));
    this.officialMs = rows.at(-1)?.time ?? this.officialMs;
    return rows;
  }

  /** What the exchange itself says of a candle, or of its part up to a trade. */
  truth(time, lastId = Infinity) {
    const trades = this.#trades.filter((trade) => trade.open === time && trade.id <= lastId);
    if (trades.length > 0) return bar(time, trades);
    const before = this.#trades.findLast((trade) => trade.open < time)?.price ?? 100;
    return { time, open: before, high: before, low: before, close: before, volume: 0 };
  }

  candle(time) {
    const trades = [...(this.#received.get(time) ?? [])].sort((a, b) => a.id - b.id);
    const newest = Math.max(...this.#received.keys());
    const is_complete = time < newest;
    const lastId = trades.at(-1)?.id ?? -1;
    const all = this.#trades.filter((trade) => trade.open === time && (is_complete || trade.id <= lastId));
    return {
      ...(trades.length > 0 ? bar(time, trades) : this.truth(time, -1)), quote_volume: null, taker_volume: null, taker_quote_volume: null,
      trades: trades.length, first_id: trades[0]?.id ?? -1, last_id: lastId, source: "live", is_complete,
      exact: all.length === trades.length, updated_at: this.#updated.get(time) ?? time, state: is_complete ? "pending" : "forming",
    };
  }

  #updated = new Map();

  #trade() {
    const id = this.#trades.length + 1;
    const time = this.ms - Math.floor((this.#random() * 40) / id);
    const before = this.#trades.at(-1);
    const at = Math.max(before?.time ?? 0, time);
    const trade = { id, time: at, open: at - (at % SECOND), price: 90 + Math.floor(this.#random() * 21), volume: add(Math.floor(this.#random() * 9) / 10, 0.1) };
    this.#trades.push(trade);
    return trade;
  }

  #receive(trade) {
    const newest = Math.max(...this.#received.keys());
    for (let time = newest + SECOND; Number.isFinite(newest) && time < trade.open; time += SECOND) this.#begin(time);
    if (!this.#received.has(trade.open)) this.#begin(trade.open);
    this.#received.get(trade.open).push(trade);
    this.#change(trade.open, trade.time);
    if (trade.open >= this.#toldSecond) {
      this.#toldSecond = trade.open;
      this.#untold.push(trade);
    }
  }

  #begin(time) {
    const before = Math.max(...this.#received.keys());
    this.#received.set(time, []);
    if (Number.isFinite(before)) this.#change(before, this.ms);
    this.#change(time, this.ms);
    this.hasRolled = true;
  }

  #change(time, at) {
    this.#updated.set(time, Math.max(this.#updated.get(time) ?? 0, at));
    this.#changed.add(time);
  }

  /** Sometimes a candle is ahead of the prices: a kline was, of the trades. */
  #prices() {
    const count = this.#random() < 0.1 ? Math.floor(this.#random() * this.#untold.length) : this.#untold.length;
    const told = this.#untold.splice(0, count);
    const seconds = [...new Set(told.map((trade) => trade.open))];
    return seconds.map((second) => {
      const trades = told.filter((trade) => trade.open === second).sort((a, b) => a.id - b.id);
      const { high, low, close, volume } = bar(second, trades);
      const [first, last] = [trades[0].id, trades.at(-1).id];
      const timestamp = Math.max(...trades.map((trade) => trade.time));
      return { kind: "price", event: { symbol: NAME.symbol, price: close, timestamp, high, low, volume, trades: trades.length, first_id: first, last_id: last } };
    });
  }

  #candles() {
    const isDue = this.hasRolled || this.#random() < 0.25;
    if (!isDue) return [];
    const times = [...this.#changed].sort((a, b) => a - b);
    this.#changed.clear();
    this.hasRolled = false;
    return times.map((time) => ({ kind: "candle", event: { ...NAME, candle: this.candle(time) } }));
  }
}

function bar(time, trades) {
  const prices = trades.map((trade) => trade.price);
  const volume = trades.reduce((sum, trade) => add(sum, trade.volume), 0);
  return { time, open: prices[0], high: Math.max(...prices), low: Math.min(...prices), close: prices.at(-1), volume };
}
