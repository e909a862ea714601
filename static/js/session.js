// The page's only state machine: load → subscribe → live → resync, for the one series that is shown.
// Never here: the DOM, fetch, socket.io, Date.now(), words. All of these are handed in.
// Invariant: what is drawn is merge(official at `version`, live); an older answer never replaces a newer.

import { History } from "./candles/history.js";
import { Day } from "./day.js";
import { Link } from "./link.js";
import { Live } from "./live.js";
import { Loader } from "./loader.js";
import { Poster } from "./poster.js";
import { Time } from "./time.js";
import { describe } from "./view.js";
import { Watch } from "./watch.js";

/** How often the clock, the countdown and the states that depend on time are looked at. */
const TICK_MS = 250;

export class Session {
  #chart;
  #ui;
  #clock;
  #link;
  #loader;
  #poster;
  #day;
  #time;
  #watch;
  #series = null;
  #history = new History();
  #live = null;

  constructor({ api, chart, ui, clock, limit, canPost, hasDays }) {
    this.#chart = chart;
    this.#ui = ui;
    this.#clock = clock;
    this.#time = new Time(clock);
    this.#watch = new Watch(() => this.#link.ask());
    this.#link = new Link({ clock, onAck: (ack, times) => this.#acked(ack, times), onChange: () => this.#render() });
    this.#loader = new Loader({ api, clock, limit, onAnswer: (answer) => this.#answered(answer), onChange: () => this.#render() });
    this.#poster = new Poster({ api, clock, isAllowed: canPost });
    this.#day = new Day({ api, clock, isFollowed: hasDays });
    chart.onNeedOlder(() => this.#loader.older());
  }

  /** What the socket calls. */
  get handlers() {
    return {
      up: () => this.#link.up(),
      down: (why) => this.#link.down(why),
      resync: () => this.#link.wake(),
      dataUpdated: (event) => this.#dataUpdated(event),
      livePrice: (event) => this.#heard(event.symbol === this.#series.symbol && this.#live.addPrice(event, this.#time.now())),
      liveCandle: (event) => this.#heard(this.#isOurs(event) && this.#live.addCandle(event.candle, this.#time.now())),
      gapProven: (event) => this.#heard(this.#isOurs(event) && this.#live.miss(event.missing)),
      freshness: (event) => this.#judged(event),
    };
  }

  start(socket, series) {
    this.open(series);
    this.#link.start(socket);
    this.#tick();
  }

  /** Shows another series; whatever is still on its way for the one before is dropped. */
  open(series) {
    this.#live = new Live(series.interval, this.#series?.symbol === series.symbol ? this.#live : null);
    this.#series = series;
    this.#history = new History();
    this.#day.open(series.symbol);
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

  /** The merged list as drawn. */
  bars() {
    const official = this.#history.rows.map((candle) => ({ ...candle, state: "final" }));
    const live = this.#items().map(({ candle, state }) => ({ ...candle, state }));
    return [...official, ...live].sort((a, b) => a.time - b.time);
  }

  version() {
    return this.#history.version;
  }

  /** Everything the words of the page are made from. */
  view() {
    return describe({
      series: this.#series,
      history: this.#history,
      items: this.#items(),
      live: this.#live,
      link: this.#link.state,
      load: this.#link.refusal ?? this.#loader.state,
      time: this.#time,
      dayOpen: this.#day.openAt(this.#time.now()),
    });
  }

  /** What the server held after it had begun to tell: the base of all that comes later. */
  #acked({ version, server_time: serverMs, live, missing, freshness }, { sentMs, receivedMs }) {
    if (Number.isInteger(serverMs)) this.#time.learn(serverMs, sentMs, receivedMs);
    if (freshness !== null) this.#live.judge(freshness);
    this.#live.load(live, missing);
    this.#live.settle(this.#history);
    this.#drawTail();
    this.#loader.compare(version);
    this.#render();
  }

  #answered({ change, live, missing, serverMs }) {
    if (serverMs !== null) this.#time.guess(serverMs);
    this.#live.load(live, missing);
    this.#live.begin(live);
    this.#drawOfficial(change);
  }

  #dataUpdated(event) {
    if (!this.#isOurs(event)) return;
    const change = this.#loader.heard(event);
    if (change === null) return;
    this.#drawOfficial(change);
    if (change.appended.length > 0) this.#ui.closed(this.view(), change.appended.at(-1));
  }

  #heard(isNews) {
    if (isNews) this.#drawTail();
  }

  #judged(event) {
    if (event.symbol === this.#series.symbol) this.#live.judge(event);
    this.#render();
  }

  #drawOfficial(change) {
    this.#learn();
    this.#live.settle(this.#history);
    if (change.isWhole) this.#chart.setHistory(this.#history.rows, this.#items());
    else this.#chart.change(change, this.#history.rows, this.#items());
    this.#render();
  }

  #drawTail() {
    this.#chart.setTail(this.#items());
    this.#loader.close(this.#series.interval, this.#live.times);
    this.#render();
  }

  /** The grid of a 3d series shows in its first official candle. */
  #learn() {
    const { interval } = this.#series;
    if (interval.hasGrid || this.#history.first === null) return;
    this.#series = Object.freeze({ ...this.#series, interval: interval.withPhase(this.#history.first.time) });
    this.#live.learn(this.#series.interval);
    this.#chart.learn(this.#series);
  }

  #tick() {
    this.#clock.setTimeout(() => this.#tick(), TICK_MS);
    this.#watch.look(this.#time.localMs, this.#live.isAmiss);
    const items = this.#items();
    this.#chart.setTail(items);
    this.#day.look(this.#time.now());
    this.#poster.offer(this.#series, items.at(-1), { live: this.#live, link: this.#link, nowMs: this.#time.now() });
    this.#render();
  }

  /** Nothing live is shown before the first answer: the chart would jump. */
  #items() {
    if (this.#loader.state.kind === "loading") return [];
    return this.#live.items(this.#history, this.#time.now(), this.#time.localMs);
  }

  #isOurs({ symbol, interval }) {
    return symbol === this.#series.symbol && interval === this.#series.interval.name;
  }

  #render() {
    if (this.#series === null) return;
    const view = this.view();
    this.#chart.tell(view.nowMs, view.closesInMs);
    this.#ui.render(view, this.#chart.precision);
  }
}
