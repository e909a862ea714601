// A chart's only state machine: load → subscribe → live → resync, for the one series that it shows.
// Never here: the DOM, fetch, socket.io, Date.now(), words. All of these are handed in.
// Invariant: what is drawn is merge(official at `version`, live); an older answer never replaces a newer.

import type { Candle, CandleInState, CandleState } from "../candles/candle.ts";
import { History, type HistoryChange } from "../candles/history.ts";
import { isInteger } from "../candles/interval.ts";
import { Marks } from "../candles/marks.ts";
import type { Series } from "../candles/series.ts";
import type { Clock } from "../clock.ts";
import type { Api } from "../net/api.ts";
import type { Connection } from "../net/connection.ts";
import type { DataUpdated, FreshnessTold, GapsTold, SocketHandlers } from "../net/socket.ts";
import { Subscription, type GrantedAnswer, type RoundTrip } from "../net/subscription.ts";
import { CandleUploader } from "./candleUploader.ts";
import { HistoryEdge } from "./historyEdge.ts";
import { LiveCandles } from "./liveCandles.ts";
import { Loader } from "./loader.ts";
import type { Loaded } from "./pageBack.ts";
import { ServerClock } from "./serverClock.ts";
import { ServerContact, type Polled } from "./serverContact.ts";
import type { SessionChart, SessionPage } from "./sessionParts.ts";
import { StallDetector } from "./stallDetector.ts";
import { viewModel, type ViewModel } from "./viewModel.ts";

/** What a session does with what the socket hears. */
export type SessionHandlers = Omit<SocketHandlers, "up" | "down" | "traced">;

interface SessionOptions {
  /** Shared with whatever else the page shows. */
  readonly connection: Connection;
  readonly api: Pick<Api, "data" | "save" | "freshness" | "history" | "wish">;
  readonly chart: SessionChart;
  readonly page: SessionPage;
  readonly clock: Clock;
  readonly limit: number;
  /** Whether forming candles may be offered, and older ones asked for. */
  readonly canPost: boolean;
  readonly canAsk: boolean;
}

/** How often the clock, the countdown and the states that depend on time are looked at. */
const TICK_MS = 250;

export class Session {
  readonly #chart: SessionChart;
  readonly #page: SessionPage;
  readonly #clock: Clock;
  readonly #subscription: Subscription;
  readonly #loader: Loader;
  readonly #uploader: CandleUploader;
  /** The old end of what is shown: older candles on demand, jumps to a date. */
  readonly edge: HistoryEdge;
  readonly #time: ServerClock;
  readonly #stalls: StallDetector;
  readonly #contact: ServerContact;
  #series!: Series; // since `start`, which comes before all else
  #live!: LiveCandles;
  #history = new History();
  #marks = new Marks();
  #isVisible = true;
  #isShown = true;
  #nextTick: number | undefined;

  constructor({ connection, api, chart, page, clock, limit, canPost, canAsk }: SessionOptions) {
    this.#chart = chart;
    this.#page = page;
    this.#clock = clock;
    this.#time = new ServerClock(clock);
    const ask = () => this.#subscription.ask();
    this.#contact = new ServerContact({ clock, api, ask, onPolled: (answer) => this.#polled(answer), onRefused: () => this.#loader.refresh() });
    this.#stalls = new StallDetector(ask);
    this.#subscription = new Subscription({ connection, clock, onAck: (ack, times) => this.#acked(ack, times), onChange: () => this.#render() });
    this.#loader = new Loader({ api, clock, limit, onAnswer: (answer) => this.#answered(answer), onChange: () => this.#render() });
    this.#uploader = new CandleUploader({ api, clock, isAllowed: canPost });
    this.edge = new HistoryEdge({ api, clock, canAsk, chart, loader: this.#loader });
    chart.onNeedOlder(() => this.#loader.older());
  }

  /** What the socket calls. */
  get handlers(): SessionHandlers {
    return {
      heard: () => this.#contact.heard(),
      resync: () => this.#subscription.wake(),
      dataUpdated: (event) => this.#dataUpdated(event),
      livePrice: (event) => this.#heard(event.symbol === this.#series.symbol && this.#live.addPrice(event, this.#time.now())),
      liveCandle: (event) => this.#heard(this.#isOurs(event) && this.#live.addCandle(event.candle, this.#time.now())),
      gapProven: (event) => this.#gapProven(event),
      freshness: (event) => this.#judged(event),
    };
  }

  start(series: Series) {
    this.open(series);
    this.#tick();
  }

  /**
   * Shows another series; whatever is still on its way for the one before is dropped. Of the same market
   * the time that was looked at stays in the middle, if it is stored.
   */
  open(series: Series) {
    const isSameMarket = (this.#series as Series | undefined)?.symbol === series.symbol;
    const aimMs = isSameMarket ? (this.edge.aimMs ?? this.#chart.middleMs) : null;
    this.#live = new LiveCandles(series.interval, isSameMarket ? this.#live : null);
    this.#series = series;
    this.#history = new History();
    this.#marks = new Marks();
    this.#chart.begin(series);
    this.edge.open(series, this.#history, aimMs);
    this.#loader.open(series, this.#history);
    this.#subscription.follow(series);
    this.#render();
  }

  /** After sleep, a return to the tab or a change of network, of which the browser says whether there is one. */
  wake(isOnline = this.#contact.isOnline) {
    this.#contact.isOnline = isOnline;
    this.#subscription.wake();
    this.#loader.hurry();
  }

  /** Whether the chart is on the page. One that is not follows nothing, and goes on where it was. */
  setShown(isShown: boolean) {
    if (isShown === this.#isShown) return;
    this.#isShown = isShown;
    this.#clock.clearTimeout(this.#nextTick);
    this.#subscription.follow(isShown ? this.#series : null);
    if (!isShown) {
      this.#loader.rest();
      return;
    }
    this.#loader.hurry();
    this.#tick();
  }

  setVisible(isVisible: boolean) {
    this.#uploader.isVisible = isVisible;
    this.#isVisible = isVisible;
    if (isVisible) this.wake();
  }

  /** The merged list as drawn. */
  bars(): (Candle & { readonly state: CandleState })[] {
    const official = this.#history.rows.map((candle) => ({ ...candle, state: "final" as const }));
    const live = this.#items().map(({ candle, state }) => ({ ...candle, state }));
    return [...official, ...live].sort((a, b) => a.time - b.time);
  }

  readonly version = () => this.#history.version;
  readonly reach = (openMs: number) => this.#loader.reach(openMs);

  /** Everything the words of the page are made from. */
  view(): ViewModel {
    return viewModel({
      series: this.#series,
      history: this.#history,
      items: this.#items(),
      live: this.#live,
      link: this.#subscription.state,
      load: this.#subscription.refusal ?? this.#loader.state,
      time: this.#time,
      contact: this.#contact,
      older: this.edge.view(this.#time.localMs),
    });
  }

  /** What the server held after it had begun to tell: the base of all that comes later. */
  #acked({ version, server_time: serverMs, live, missing, freshness }: GrantedAnswer, { sentMs, receivedMs }: RoundTrip) {
    if (isInteger(serverMs)) this.#time.learn(serverMs, sentMs, receivedMs);
    const wasPolled = this.#contact.heard();
    if (freshness !== null) this.#live.judge(freshness);
    this.#live.load(live, missing);
    this.#live.settle(this.#history);
    this.#drawTail();
    if (wasPolled) this.#loader.refresh(); // a poll sees the newest candles only
    else this.#loader.compare(version);
    this.#render();
  }

  #answered({ change, live, missing, marks, serverMs }: Loaded) {
    if (serverMs !== null) this.#time.guess(serverMs);
    for (const page of marks) this.#marks.take(page);
    this.#live.load(live, missing);
    this.#live.begin(live);
    this.#drawOfficial(change);
  }

  /** REST told what the socket would have. */
  #polled({ page, freshness, ...series }: Polled) {
    if (!this.#isOurs(series)) return;
    if (freshness !== null) this.#live.judge(freshness);
    this.#live.load(page.live, page.missing);
    const change = this.#loader.take(page);
    if (change === null) return;
    this.#marks.change(this.#series.interval, page.candles, change.replaced);
    this.#drawOfficial(change);
  }

  #dataUpdated(event: DataUpdated) {
    if (!this.#isOurs(event)) return;
    const change = this.#loader.heard(event);
    if (change === null) return;
    this.#marks.change(this.#series.interval, event.rows ?? [], event.reason === "repair" ? [] : change.replaced);
    this.#drawOfficial(change);
    const closed = change.appended.at(-1);
    if (closed !== undefined) this.#page.onClosed(closed);
  }

  /** What is proven is shown at once; why, the next answer says. */
  #gapProven(event: GapsTold) {
    if (!this.#isOurs(event)) return;
    this.#chart.mark(this.#marks.miss(event.missing));
    this.#heard(this.#live.miss(event.missing));
    this.#loader.refresh();
  }

  #heard(isNews: boolean) {
    if (isNews) this.#drawTail();
  }

  #judged(event: FreshnessTold) {
    if (event.symbol === this.#series.symbol) this.#live.judge(event);
    this.#render();
  }

  #drawOfficial(change: HistoryChange) {
    this.#learn();
    this.#live.settle(this.#history);
    if (change.isWhole) this.#chart.setHistory(this.#history.rows, this.#items());
    else this.#chart.change(change, this.#history.rows, this.#items());
    this.#chart.mark(this.#marks);
    this.edge.look(this.#isVisible, this.#time.now());
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
    this.edge.learn(this.#series);
  }

  #tick() {
    this.#nextTick = this.#clock.setTimeout(() => this.#tick(), TICK_MS);
    this.#stalls.look(this.#time.localMs, this.#live.isAmiss);
    this.#contact.look(this.#subscription.state, this.#series, this.#live.freshness?.state === "live");
    const items = this.#items();
    this.#chart.setTail(items);
    this.edge.look(this.#isVisible, this.#time.now());
    this.#uploader.offer(this.#series, items.at(-1), { live: this.#live, link: this.#subscription, nowMs: this.#time.now() });
    this.#render();
  }

  /** Nothing live is shown before the first answer: the chart would jump. */
  #items(): CandleInState[] {
    if (this.#loader.state.kind === "loading") return [];
    return this.#live.items(this.#history, this.#time.now(), this.#time.localMs);
  }

  #isOurs({ symbol, interval }: { readonly symbol?: unknown; readonly interval?: unknown }) {
    return symbol === this.#series.symbol && interval === this.#series.interval.name;
  }

  #render() {
    if ((this.#series as Series | undefined) === undefined) return;
    this.#page.render(this.view(), this.#chart.precision);
  }
}
