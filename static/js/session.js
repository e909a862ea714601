// The page's only state machine: load → subscribe → live → resync, for the one series that is shown.
// Never here: the DOM, fetch, socket.io, Date.now(), words. All of these are handed in.
// Invariant: what is drawn is merge(official at `version`, live); an older answer never replaces a newer.

import { LiveCandleBuilder } from "./candles/builder.js";
import { History } from "./candles/history.js";
import { tail } from "./candles/merge.js";
import { Loader } from "./loader.js";
import { Link } from "./link.js";
import { Poster } from "./poster.js";

/** How often the clock, the countdown and the states that depend on time are looked at. */
const TICK_MS = 250;

export class Session {
  #chart;
  #ui;
  #clock;
  #link;
  #loader;
  #poster;
  #series = null;
  #history = null;
  #builder = null;
  #holeAsked = "";
  #offsetMs = 0;
  #lastNewsMs = null;
  #price = null;
  #isAcked = false;
  #refusal = null;

  constructor({ api, chart, ui, clock, limit, canPost }) {
    this.#chart = chart;
    this.#ui = ui;
    this.#clock = clock;
    this.#link = new Link({ clock, onAck: (ack, times) => this.#acked(ack, times), onChange: () => this.#render() });
    this.#loader = new Loader({
      api,
      clock,
      limit,
      onAnswer: (change, live, serverMs) => this.#answered(change, live, serverMs),
      onChange: () => this.#render(),
    });
    this.#poster = new Poster({ api, clock, isAllowed: canPost });
    chart.onNeedOlder(() => this.#loader.older());
  }

  /** What the socket calls. */
  get handlers() {
    return {
      up: () => this.#link.up(),
      down: (why) => this.#link.down(why),
      dataUpdated: (event) => this.#dataUpdated(event),
      livePrice: (event) => this.#livePrice(event),
      liveCandle: (event) => this.#liveCandle(event),
    };
  }

  start(socket, series) {
    this.open(series);
    this.#link.start(socket);
    this.#tick();
  }

  /** Shows another series; whatever is still on its way for the one before is dropped. */
  open(series) {
    this.#price = this.#series?.symbol === series.symbol ? this.#price : null;
    this.#series = series;
    this.#history = new History();
    this.#builder = new LiveCandleBuilder(series.interval);
    this.#holeAsked = "";
    this.#lastNewsMs = null;
    this.#refusal = null;
    this.#chart.begin(series);
    this.#link.follow(series);
    this.#loader.open(series, this.#history);
    this.#render();
  }

  /** After sleep, a change of network or a return to the tab. */
  wake() {
    this.#link.wake();
    this.#loader.hurry();
  }

  setVisible(isVisible) {
    this.#poster.isVisible = isVisible;
    if (isVisible) this.wake();
  }

  retry() {
    this.#loader.refresh();
  }

  /** The merged list as drawn. */
  bars() {
    const official = this.#history.rows.map((candle) => ({ ...candle, state: "final" }));
    const live = this.#tail().map(({ candle, state }) => ({ ...candle, state }));
    return [...official, ...live].sort((a, b) => a.time - b.time);
  }

  version() {
    return this.#history.version;
  }

  /** Everything the words of the page are made from. Times in exchange ms. */
  view() {
    const live = this.#tail();
    const last = this.#history.last;
    const forming = live.find((item) => item.state === "forming")?.candle ?? null;
    const { interval } = this.#series;
    const { kind, sinceMs, retryAtMs } = this.#link.state;
    return {
      symbol: this.#series.symbol,
      interval: interval.name,
      nowMs: this.#now(),
      isClockKnown: this.#isAcked,
      link: { kind, sinceMs: sinceMs + this.#offsetMs, retryInMs: retryAtMs && retryAtMs - this.#clock.now() },
      load: this.#refusal ?? this.#loader.state,
      version: this.#history.version,
      officialToMs: last && interval.hasGrid ? interval.nextOpenMs(last.time) : null,
      pending: live.filter((item) => item.state === "pending").length,
      formingMs: forming?.time ?? null,
      closesMs: forming && interval.hasGrid ? interval.nextOpenMs(forming.time) : null,
      price: this.#price ?? live.at(-1)?.candle.close ?? last?.close ?? null,
      lastNewsMs: this.#lastNewsMs,
      bars: this.#history.rows.length + live.length,
    };
  }

  #acked(ack, { sentMs, receivedMs }) {
    if (!ack.ok) {
      this.#refusal = { kind: "failed", detail: ack.detail ?? "The server refused the subscription.", retryAtMs: null };
      this.#render();
      return;
    }
    this.#isAcked = true;
    this.#refusal = null;
    if (Number.isInteger(ack.server_time)) this.#offsetMs = ack.server_time - Math.round((sentMs + receivedMs) / 2);
    this.#loader.compare(ack.version);
    this.#render();
  }

  #answered(change, live, serverMs) {
    if (!this.#isAcked && serverMs !== null) this.#offsetMs = serverMs - this.#clock.now();
    this.#learn();
    for (const fields of live) this.#builder.addCandle(fields);
    this.#drawOfficial(change);
  }

  #dataUpdated(event) {
    if (!this.#isOurs(event)) return;
    const change = this.#loader.heard(event);
    if (change === null) return;
    this.#learn();
    this.#drawOfficial(change);
    for (const row of change.appended) this.#ui.closed(row);
  }

  #liveCandle(event) {
    if (!this.#isOurs(event) || !this.#builder.addCandle(event.candle)) return;
    this.#news(event.candle.close);
  }

  #livePrice(event) {
    if (event.symbol !== this.#series.symbol || !this.#builder.addPrice(event)) return;
    this.#news(event.price);
  }

  #news(price) {
    this.#lastNewsMs = this.#now();
    this.#price = price;
    this.#drawTail();
    this.#render();
  }

  #drawOfficial(change) {
    const times = [...change.replaced, ...change.appended].map((row) => row.time);
    if (change.isWhole) {
      this.#builder.forget(this.#history.opensFrom(this.#builder.pending[0]?.time ?? Infinity));
      this.#chart.setHistory(this.#history.rows, this.#tail());
    } else {
      this.#builder.forget(times);
      this.#chart.change(change, this.#history.rows, this.#tail());
    }
    this.#render();
  }

  #drawTail() {
    const live = this.#tail();
    this.#chart.setTail(live);
    this.#askAboutHole(live);
  }

  /** A stretch between the last official candle and the first live one is asked about once. */
  #askAboutHole(live) {
    const last = this.#history.last;
    const { interval } = this.#series;
    if (last === null || live.length === 0 || !interval.hasGrid) return;
    const holeAt = live.find(({ candle }, i) => {
      const beforeMs = i === 0 ? last.time : live[i - 1].candle.time;
      return candle.time > interval.nextOpenMs(beforeMs);
    });
    const hole = holeAt === undefined ? "" : `${last.time}-${holeAt.candle.time}`;
    if (hole === "" || hole === this.#holeAsked) return;
    this.#holeAsked = hole;
    this.#loader.refresh();
  }

  #tail() {
    const { pending, forming } = this.#builder;
    if (forming === null) return [];
    const opens = this.#history.opensFrom(pending[0]?.time ?? forming.time);
    return tail(this.#series.interval, opens, pending, forming, this.#now());
  }

  /** The grid of a 3d series shows in its first official candle. */
  #learn() {
    const { interval } = this.#series;
    if (interval.hasGrid || this.#history.first === null) return;
    this.#series = Object.freeze({ ...this.#series, interval: interval.withPhase(this.#history.first.time) });
    this.#builder.learn(this.#series.interval);
    this.#chart.learn(this.#series);
  }

  #tick() {
    this.#clock.setTimeout(() => this.#tick(), TICK_MS);
    this.#chart.setTail(this.#tail());
    this.#poster.offer(this.#series, this.#tail().at(-1), this.#link.state.kind === "up");
    this.#render();
  }

  #isOurs({ symbol, interval }) {
    return symbol === this.#series.symbol && interval === this.#series.interval.name;
  }

  #now() {
    return this.#clock.now() + this.#offsetMs;
  }

  #render() {
    if (this.#series !== null) this.#ui.render(this.view());
  }
}
