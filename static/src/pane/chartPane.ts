// One chart with all that is its own: what it shows, its session, the truth of its candles, jumps, and what a reader does there.
// Never here: the other charts, the address bar, what stands around the panes (chartPage.ts); rules.
// Invariant: nothing here outlives a change of series but the place that was looked at.

import { effect, signal } from "@preact/signals-core";
import { decimals } from "../candles/candle.ts";
import { parseSeries } from "../candles/series.ts";
import { Chart } from "../chart/chart.ts";
import type { PaneParts } from "../chart/paneParts.ts";
import type { Clock } from "../clock.ts";
import type { Api } from "../net/api.ts";
import type { Connection } from "../net/connection.ts";
import { CandleJump, type JumpOutcome } from "../state/candleJump.ts";
import type { ChosenSeries } from "../state/chosenSeries.ts";
import { PageState, type NextFrame, type OpenParts } from "../state/pageState.ts";
import type { Choices, SeriesName } from "../state/preferences.ts";
import { Session, type SessionHandlers } from "../state/session.ts";
import { Truth } from "../state/truth.ts";
import { standing } from "../ui/format.ts";
import { freshness } from "../ui/freshness.ts";
import { holeWords, jumpWords } from "../ui/gapWords.ts";
import { keyed } from "../ui/keyWords.ts";
import { later, laterStyle } from "../ui/laterOn.ts";
import { spoken } from "../ui/legend.tsx";
import type { PaneStudies } from "./paneStudies.ts";
import { address, mayWrite, type Actions, type Pane, type SharedParts } from "../ui/page.ts";

/** What an address says of a chart; `openMs` is a candle of it. */
export interface Named extends SeriesName {
  readonly openMs: number | null;
}

export interface PaneOptions {
  /** From 1 on. */
  readonly number: number;
  readonly api: Api;
  readonly clock: Clock;
  readonly nextFrame: NextFrame;
  readonly connection: Connection;
  readonly open: OpenParts;
  /** How this chart is read. */
  readonly choices: Choices;
  readonly shared: SharedParts;
  /** What is done for the whole page. */
  readonly pageActions: Pick<Actions, "openSearch" | "open" | "unfollow">;
  /** Whether what goes on there is what a reader hears of; heard anew when that changes. */
  readonly isActive: (pane: ChartPane) => boolean;
  /** Another series was chosen here. */
  readonly onGo: (pane: ChartPane, series: SeriesName) => void;
  /** The address names something else of what is shown here. */
  readonly onNamed: (pane: ChartPane, named: Named) => void;
  readonly onTouched: (pane: ChartPane, isChosen: boolean) => void;
}

export class ChartPane {
  readonly state: PageState;
  readonly truth: Truth;
  /** What this pane's components are handed. */
  readonly page: Pane;
  readonly number: number;
  readonly choices: Choices;
  /** What is shown, or waits until the pane is on the page and in sight. */
  readonly series = signal<SeriesName | null>(null);
  /** Whether it is on the page, with a chart. */
  readonly isPlaced = signal(false);
  readonly #options: PaneOptions;
  // Since `#place`, which comes as soon as the pane is on the page.
  chart!: Chart;
  session!: Session;
  handlers!: SessionHandlers;
  #jump!: CandleJump;
  #waiting: { readonly chosen: ChosenSeries; readonly openMs: number | null } | null = null;
  #isShown = true;
  #isStarted = false;
  /** What draws the studies, once they are wanted. */
  studies: Promise<PaneStudies> | null = null;

  // For charts that have something in common (grid.ts): a reader points elsewhere, looks elsewhere.
  onCursor: (openMs: number | null) => void = () => {};
  onMove: () => void = () => {};
  onPlaced: () => void = () => {};

  constructor(options: PaneOptions) {
    const { number, api, clock, nextFrame, open, shared, choices } = options;
    this.#options = options;
    this.number = number;
    this.choices = choices;
    this.state = new PageState(nextFrame, open);
    this.truth = new Truth({ api, clock });
    this.page = {
      ...shared, preferences: choices, number, series: this.series, state: this.state, truth: this.truth, actions: this.#actions(),
      id: (name) => (number === 1 ? name : `${name}-${number}`),
      place: (plot) => this.#place(plot),
      touched: (isChosen) => options.onTouched(this, isChosen),
    };
  }

  /** For what is drawn here beside the candles, and loaded when it is first wanted. */
  get parts(): PaneParts {
    return { number: this.number, state: this.state, preferences: this.choices, inside: this.chart.inside };
  }

  /** What an address means. A market that is not followed has the pane to itself: no other one is shown in its name. */
  show(chosen: ChosenSeries, openMs: number | null = null) {
    this.series.value = chosen.series;
    this.#waiting = { chosen, openMs };
    this.#look();
  }

  /** Whether the pane is in sight: one that is not asks nothing and draws nothing, and goes on where it was. */
  setShown(isShown: boolean) {
    this.#isShown = isShown;
    if (this.#isStarted) this.session.setShown(isShown);
    this.#look();
  }

  /** Whether it is told of what comes. */
  get isHearing(): boolean {
    return this.#isStarted && this.#isShown;
  }

  #look() {
    if (this.#waiting === null || !this.isPlaced.peek() || !this.#isShown) return;
    const { chosen, openMs } = this.#waiting;
    this.#waiting = null;
    this.#show(chosen, openMs);
  }

  #show({ series, isFollowed, mistake }: ChosenSeries, openMs: number | null) {
    const { markets } = this.#options.shared;
    this.state.setAbsent(isFollowed ? null : series);
    this.state.message.value = mistake || standing(markets.get(series.symbol) ?? series).text;
    const shown = parseSeries(isFollowed ? series.symbol : markets.list.peek()[0]!.symbol, series.interval);
    this.state.picked.value = null;
    this.truth.open(shown);
    this.#jump.open(shown);
    if (this.#isStarted) this.session.open(shown);
    else this.session.start(shown);
    this.#isStarted = true;
    if (isFollowed && openMs !== null) this.#jump.want(openMs);
  }

  #place(plot: HTMLElement) {
    const { api, clock, connection, shared: { config } } = this.#options;
    const { state, truth, choices } = this;
    this.chart = new Chart(plot, {
      leastDecimals: (symbol) => this.#leastDecimals(symbol), onPoint: state.pointed, onHole: state.hole, onNow: state.isAtNow,
      onAuto: (isAuto) => choices.set("auto", isAuto),
      onCursor: (openMs) => this.onCursor(openMs), onMove: () => this.onMove(),
      onSight: (fromMs, toMs) => truth.shown.look(fromMs, toMs),
      onClick: (openMs) => this.#pick(openMs === state.picked.peek() || state.hole.peek() !== null ? null : openMs),
    });
    this.session = new Session({
      connection, api, chart: this.chart, page: state, clock, limit: config.limit, canPost: mayWrite(config), canAsk: config.signed_in,
    });
    this.handlers = this.#hearing(this.session.handlers);
    this.#jump = new CandleJump({
      reach: this.session.reach, goTo: (ms) => this.chart.goTo(ms), bars: () => this.session.bars(), gapAt: (ms) => this.chart.truth.hole(ms).gap,
    }, (outcome) => this.#arrived(outcome));
    this.#listen();
    this.isPlaced.value = true;
    this.onPlaced();
    this.#look();
  }

  /** The session's ears and the truth's. */
  #hearing(handlers: SessionHandlers): SessionHandlers {
    return {
      ...handlers,
      dataUpdated: (event) => {
        handlers.dataUpdated(event);
        this.truth.dataUpdated(event);
      },
      gapProven: (event) => {
        handlers.gapProven(event);
        this.truth.gapProven(event);
      },
    };
  }

  #listen() {
    const { choices } = this;
    const { isActive, shared: { announcer } } = this.#options;
    choices.of("type").subscribe((type) => this.chart.setType(type));
    for (const key of ["scale", "inverted", "auto"] as const) choices.of(key).subscribe(() => this.#chooseAxis());
    this.state.view.subscribe((view) => {
      if (view === null) return;
      this.chart.setNews({ isLive: ["live", "quiet"].includes(freshness(view).tone), closesInMs: view.closesInMs });
      this.#jump.look(view);
    });
    this.state.pointed.subscribe((candle) => this.truth.details.point(candle?.isCorrected ? candle.time : null));
    this.state.closed.subscribe((row) => {
      const view = this.state.view.peek();
      if (row !== null && view !== null && isActive(this)) announcer.closed(view, row, this.state.precision.peek());
    });
    this.truth.shown.state.subscribe((shown) => this.chart.truth.compare(shown));
    effect(() => {
      if (choices.of("studies").value.length > 0 || (this.state.dialog.value === "studies" && isActive(this))) this.#wantStudies();
    });
  }

  /** Once there are any, or somebody chooses some; their colours come with the style of what is loaded later. */
  #wantStudies() {
    const { shared: { announcer } } = this.#options;
    if (this.studies !== null) return;
    this.studies = Promise.all([import("./paneStudies.ts"), laterStyle()]).then(([{ hangStudies }]) => {
      const hung = hangStudies(this.parts);
      this.state.studies.value = hung.chosen;
      return hung;
    });
    this.studies.catch(() => {
      this.studies = null;
      announcer.tell("The studies could not be loaded: the server can't be reached.");
    });
  }

  #actions(): Actions {
    const { pageActions, onGo } = this.#options;
    return {
      ...pageActions,
      go: (wanted) => onGo(this, { ...(this.series.peek() ?? this.#options.shared.config), ...wanted }),
      toNow: () => this.#toNow(),
      goTo: (timeMs) => this.session.edge.goTo(timeMs),
      older: { stop: () => this.session.edge.stop(), goOn: () => this.session.edge.goOn(), dismiss: () => this.session.edge.dismiss() },
      retry: () => this.session.wake(),
      candles: (count) => this.#candles(count),
      resetView: () => this.#resetView(),
      key: (event) => this.#key(event),
      jump: (openMs) => this.#jump.want(openMs),
      pick: (openMs) => this.#pick(openMs),
      copyLink: (openMs) => this.#copyLink(openMs),
    };
  }

  /** A candle was looked for. */
  #arrived(outcome: JumpOutcome) {
    const { interval, nowMs } = this.session.view();
    const words = jumpWords(outcome, interval, nowMs);
    this.state.message.value = words;
    if (outcome.kind === "there") this.#pick(outcome.timeMs);
    if (words !== "") this.#say(words);
    else this.#read();
  }

  #pick(openMs: number | null) {
    const { symbol, interval } = this.session.view();
    this.state.picked.value = openMs;
    this.chart.truth.pick(openMs);
    this.#options.onNamed(this, { symbol, interval, openMs });
  }

  /** The address bar holds the link too, for browsers that forbid to copy. */
  async #copyLink(openMs: number): Promise<boolean> {
    const { symbol, interval } = this.session.view();
    const link = new URL(address(symbol, interval, openMs), location.href);
    try {
      await navigator.clipboard.writeText(link.href);
      return true;
    } catch {
      this.#pick(openMs);
      return false;
    }
  }

  #toNow() {
    this.session.edge.goNowhere();
    this.chart.view.toNow();
  }

  #resetView() {
    this.session.edge.goNowhere();
    this.chart.view.reset();
    this.chart.axis.follow();
    this.choices.set("auto", true);
    this.#options.shared.announcer.tell("View reset.");
  }

  #chooseAxis() {
    const { choices } = this;
    this.chart.axis.choose({ mode: choices.get("scale"), isInverted: choices.get("inverted"), isAuto: choices.get("auto") });
  }

  /** The last candles that are shown, as they would be pointed at. */
  #candles(count: number) {
    return this.session.bars().slice(-count).map((bar) => ({ ...bar, isCorrected: this.chart.truth.isCorrected(bar.time) }));
  }

  #key({ key: name }: KeyboardEvent): boolean {
    if (!this.#isStarted) return false;
    const pointed = this.state.pointed.peek();
    if (name === "Enter" && pointed !== null) this.#pick(pointed.time);
    else if (!this.chart.key(name)) return false;
    if (name === "Escape") this.#pick(null);
    if (this.state.hole.peek() !== null) this.#read();
    else if (name === "Home") this.#options.nextFrame(() => this.#sayKey(name)); // the first candle may have to be given to the chart before it is pointed at
    else if (name !== "Enter") this.#sayKey(name);
    return true;
  }

  #sayKey(name: string) {
    const { chart, session, state } = this;
    this.#say(keyed(name, { pointed: state.pointed.peek(), view: session.view(), precision: chart.precision, sight: chart.sight }) + (later.peek()?.studiesSpoken(this.page) ?? ""));
  }

  /** Reads out what is pointed at. */
  #read() {
    const [candle, hole, view] = [this.state.pointed.peek(), this.state.hole.peek(), this.session.view()];
    if (hole !== null) this.#say(holeWords(hole, view.interval, view.nowMs));
    else if (candle !== null) this.#say(spoken(candle, view, this.chart.precision));
  }

  #say(words: string) {
    this.#options.shared.announcer.say(words);
  }

  /** As many decimals as a market's prices have at least; -1 where that is not known. */
  #leastDecimals(symbol: string) {
    const tick = this.#options.shared.markets.get(symbol)?.tick_size ?? null;
    return tick === null ? -1 : decimals(Number(tick));
  }
}
