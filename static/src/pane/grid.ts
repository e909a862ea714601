// Several charts beside each other: which there are, what they have in common, and how they stand as a layout.
// Never here: what one chart does (chartPane.ts), components, the address.
// Invariant: what is not in sight asks nothing and draws nothing; one chart leads, the others follow, never in a circle.

import { batch, effect, type Signal } from "@preact/signals-core";
import { ChartFace, type Span } from "../chart/chartFace.ts";
import { createLayouts } from "../net/layoutsApi.ts";
import { fetchBelow } from "../net/basePath.ts";
import type { ChosenSeries } from "../state/chosenSeries.ts";
import type { Grid, GridState, LinkName } from "../state/gridState.ts";
import type { Layout, LayoutPane } from "../state/layout.ts";
import { Layouts } from "../state/layouts.ts";
import { PaneChoices } from "../state/paneChoices.ts";
import type { Choices, SeriesName } from "../state/preferences.ts";
import { browserLayouts, forgetLastCharts, keepLastCharts, lastCharts } from "../ui/browserLayouts.ts";
import type { Several } from "../ui/page.ts";
import type { ChartPane } from "./chartPane.ts";

interface GridParts {
  readonly state: GridState;
  /** Every chart that was ever made, in order; those beyond the count rest. */
  readonly panes: Signal<readonly ChartPane[]>;
  readonly newPane: (number: number, choices: Choices) => ChartPane;
  /** How the first chart is read: as the reader chose it for the page. */
  readonly preferences: Choices;
  readonly chosen: (series: SeriesName) => ChosenSeries;
  /** Markets that can be shown, and the intervals offered. */
  readonly followed: () => readonly string[];
  readonly intervals: readonly string[];
  /** With which the server keeps layouts; null: this browser does. */
  readonly csrfToken: string | null;
  /** How the charts stand has changed. */
  readonly onChange: () => void;
}

/** What an address asks for. */
export interface Asked {
  readonly layout: string | null;
  readonly charts: Grid | null;
  readonly series: SeriesName | null;
  /** Whether how the charts stood last may be meant. */
  readonly isOpen: boolean;
}

/** One chart at a time is shown in a window as narrow as this. */
const NARROW = "(max-width: 640px)";

export class ChartGrid implements Several {
  readonly layouts: Layouts;
  readonly #parts: GridParts;
  readonly #state: GridState;
  readonly #faces = new Map<ChartPane, ChartFace>();
  #leader: ChartPane | null = null;
  #isKept = false;

  constructor(parts: GridParts) {
    this.#parts = parts;
    this.#state = parts.state;
    const keeping = parts.csrfToken === null ? browserLayouts : createLayouts({ fetch: fetchBelow, csrfToken: parts.csrfToken });
    this.layouts = new Layouts({ keeping, current: () => this.#layout(), apply: (layout) => this.apply(layout) });
    const narrow = matchMedia(NARROW);
    const measure = () => { this.#state.isNarrow.value = narrow.matches; };
    narrow.addEventListener("change", measure);
    measure();
    for (const pane of parts.panes.peek()) this.#join(pane);
    effect(() => { for (const pane of parts.panes.value) pane.setShown(this.#state.isShown(pane.number)); });
    effect(() => this.#keep());
  }

  /** Shows what an address asks for beside the one series that it may name; false: that one alone is to be shown. */
  async arrive({ layout, charts, series, isOpen }: Asked): Promise<boolean> {
    if (layout !== null) return this.layouts.show(layout);
    const last = isOpen ? lastCharts() : null;
    if (last !== null && (charts === null || last.layout.grid === charts)) {
      this.layouts.open.value = last.name;
      this.apply(last.layout);
      const at = last.layout.panes.findIndex(({ symbol, interval }) => symbol === series?.symbol && interval === series.interval);
      this.activate(Math.max(0, at) + 1);
      return true;
    }
    this.layouts.open.value = "";
    this.activate(1);
    this.#state.count.value = 1;
    return false;
  }

  /** So many charts. New ones show followed markets that are not shown yet. */
  setCount(count: Grid) {
    const { panes } = this.#parts;
    while (panes.peek().length < count) this.#add(this.#next());
    this.#state.count.value = count;
    if (this.#state.active.peek() > count) this.activate(count);
    this.#align();
  }

  link(name: LinkName, isOn: boolean) {
    this.#state.links.value = { ...this.#state.links.peek(), [name]: isOn };
    this.#align();
  }

  /** Lets bar, panels and keys be about that chart. */
  activate(number: number) {
    if (number > this.#state.count.peek()) return;
    this.#state.active.value = number;
    this.#follow(this.#active);
  }

  /** The same by a key: the focus goes there too. */
  choose(number: number) {
    this.activate(number);
    document.getElementById(this.#active.page.id("plot"))?.focus();
  }

  /** A reader points into a chart, or chooses it. */
  touched(pane: ChartPane, isChosen: boolean) {
    if (isChosen) this.activate(pane.number);
    this.#follow(pane);
  }

  /** Another series in a chart, and in those that have market or interval in common with it. */
  go(pane: ChartPane, series: SeriesName) {
    const chosen = this.#parts.chosen(series);
    pane.show(chosen);
    if (chosen.isFollowed) this.#share(pane, series);
  }

  /** The charts as a layout has them. */
  apply({ grid, panes, links }: Layout) {
    batch(() => {
      panes.forEach((wanted, at) => {
        const pane = this.#parts.panes.peek()[at];
        if (pane !== undefined) pane.show(this.#parts.chosen(wanted));
        read((pane ?? this.#add(wanted)).choices, wanted);
      });
      this.#state.links.value = links;
      this.#state.count.value = grid;
      this.#state.active.value = 1;
    });
    this.#leader = this.#active;
  }

  #layout(): Layout {
    const { count, links } = this.#state;
    const panes = this.#parts.panes.value.slice(0, count.value).map(layoutOf);
    return { grid: count.value, panes, links: links.value };
  }

  /** One chart as it always was is nothing to be kept. */
  #keep() {
    const [layout, name] = [this.#layout(), this.layouts.open.value];
    void this.#state.active.value; // the address names it
    const isPlain = layout.grid === 1 && name === "";
    if (!isPlain) keepLastCharts(layout, name);
    else if (this.#isKept) forgetLastCharts();
    if (!isPlain || this.#isKept) this.#parts.onChange();
    this.#isKept = !isPlain;
  }

  #add(series: SeriesName): ChartPane {
    const { panes, newPane, chosen, preferences } = this.#parts;
    const pane = newPane(panes.peek().length + 1, new PaneChoices(preferences));
    pane.show(chosen(series));
    this.#join(pane);
    panes.value = [...panes.peek(), pane];
    return pane;
  }

  /** What a new chart shows: a followed market that is not shown, else the same or another one at another interval. */
  #next(): SeriesName {
    const { followed, intervals } = this.#parts;
    const taken = this.#parts.panes.peek().map((pane) => pane.series.peek());
    const { symbol, interval } = this.#active.series.peek()!;
    const isFree = (one: SeriesName) => taken.every((series) => series?.symbol !== one.symbol || series.interval !== one.interval);
    const market = followed().find((one) => taken.every((series) => series?.symbol !== one));
    if (market !== undefined) return { symbol: market, interval };
    const all = [symbol, ...followed()].flatMap((one) => intervals.map((name) => ({ symbol: one, interval: name })));
    return all.find(isFree) ?? { symbol, interval };
  }

  #join(pane: ChartPane) {
    pane.onCursor = (openMs) => {
      if (this.#leads(pane, "crosshair")) for (const other of this.#others(pane)) other.chart.lead(openMs);
    };
    pane.onMove = () => { if (this.#leads(pane, "range")) this.#spread(pane); };
    pane.onPlaced = () => {
      const face = new ChartFace(pane.chart.inside);
      this.#faces.set(pane, face);
      face.onBars(({ kind }) => { if (kind === "whole" && face.official.length > 0) requestAnimationFrame(() => this.#catchUp(pane)); });
    };
    if (pane.isPlaced.peek()) pane.onPlaced();
  }

  /** Once it has candles, a chart shows what the leader shows. */
  #catchUp(pane: ChartPane) {
    const leader = this.#leader ?? this.#active;
    const span = this.#faces.get(leader)?.span ?? null;
    if (this.#state.links.peek().range && pane !== leader && span !== null && pane.isHearing) this.#show(pane, span);
  }

  /** From now on what that chart does is followed; what another one pointed at is not any more. */
  #follow(pane: ChartPane) {
    if (pane === this.#leader) return;
    this.#leader = pane;
    if (this.#leads(pane, "crosshair")) for (const other of this.#others(pane)) other.chart.lead(null);
  }

  #leads(pane: ChartPane, name: LinkName): boolean {
    return this.#state.isSeveral.peek() && this.#state.links.peek()[name] && pane === (this.#leader ?? this.#active);
  }

  #spread(pane: ChartPane) {
    const span = this.#faces.get(pane)?.span ?? null;
    if (span !== null) for (const other of this.#others(pane)) this.#show(other, span);
  }

  #show(pane: ChartPane, { fromMs, toMs }: Span) {
    const face = this.#faces.get(pane)!;
    const [from, to] = [face.placeOf(fromMs), face.placeOf(toMs)];
    if (from !== null && to !== null && from < to) pane.chart.view.show(from, to);
  }

  /** What has just become common becomes so from the active chart on. */
  #align() {
    const active = this.#active;
    const series = active.series.peek();
    if (series !== null && active.state.absent.peek() === null) this.#share(active, series);
    this.#leader = active;
    if (this.#leads(active, "range")) this.#spread(active);
    if (!this.#state.links.peek().crosshair) for (const other of this.#others(active)) other.chart.lead(null);
  }

  #share(pane: ChartPane, { symbol, interval }: SeriesName) {
    const links = this.#state.links.peek();
    for (const other of this.#parts.panes.peek().slice(0, this.#state.count.peek())) {
      const theirs = other.series.peek();
      if (other === pane || theirs === null) continue;
      const next = { symbol: links.symbol ? symbol : theirs.symbol, interval: links.interval ? interval : theirs.interval };
      if (next.symbol !== theirs.symbol || next.interval !== theirs.interval) other.show(this.#parts.chosen(next));
    }
  }

  /** The other charts that are in sight and have something to show. */
  #others(pane: ChartPane): ChartPane[] {
    return this.#parts.panes.peek().filter((other) => other !== pane && other.isHearing);
  }

  get #active(): ChartPane {
    return this.#parts.panes.peek()[this.#state.active.peek() - 1]!;
  }
}

/** How a chart stands in a layout. */
function layoutOf({ series: { value: series }, choices, page: { config } }: ChartPane): LayoutPane {
  const { symbol, interval } = series ?? config;
  return {
    symbol, interval, type: choices.of("type").value, scale: choices.of("scale").value, inverted: choices.of("inverted").value,
    studies: choices.of("studies").value,
  };
}

/** Lets a chart be read as a layout has it. */
function read(choices: Choices, { type, scale, inverted, studies }: LayoutPane) {
  if (type !== undefined) choices.set("type", type);
  if (scale !== undefined) choices.set("scale", scale);
  if (inverted !== undefined) choices.set("inverted", inverted);
  if (studies !== undefined) choices.set("studies", studies);
}
