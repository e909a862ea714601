// The page around the chart: market, intervals, freshness, notices and the status line, in the DOM.
// Never here: what the words are (format.ts), what they mean (state/session.ts), the chart.
// Invariant: text goes in by textContent only; what has not changed is not touched.

import { emptiness, exactness, freshness, isSignedOut, notice, type Said } from "./freshness.ts";
import type { Candle } from "../candles/candle.ts";
import type { Market } from "../net/protocol.ts";
import type { ViewModel } from "../state/viewModel.ts";
import { element } from "./element.ts";
import { Menu } from "./menu.ts";
import { StatusBadge } from "./statusBadge.ts";
import { change, fullMoment, price, status, type StatusCell } from "./format.ts";

/** A screen reader hears of a closed candle at most this often: 1s candles close every second. */
const ANNOUNCE_EVERY_MS = 20_000;

interface UiOptions {
  readonly navigate: (url: URL) => void;
  readonly list: () => Promise<readonly Market[]>;
  readonly follow: ((symbol: string) => Promise<Market>) | null;
}

const STATUS_CELLS: readonly StatusCell[] = ["clock", "official", "pending", "forming", "closes", "version"];

export class Ui {
  readonly #document: Document;
  readonly #navigate: UiOptions["navigate"];
  #view: ViewModel | null = null;
  #precision = 0;
  #isAsked = false;
  readonly #badge: StatusBadge;
  readonly #intervals: HTMLElement;
  #lastPrice: number | null = null;
  #announcedMs = 0;
  #message = "";
  #interval = "";

  constructor(document: Document, { navigate, list, follow }: UiOptions) {
    this.#document = document;
    this.#navigate = navigate;
    document.addEventListener("click", (event) => this.#clicked(event));
    this.#intervals = document.querySelector<HTMLElement>(".intervals")!;
    this.#intervals.addEventListener("focusin", ({ target }) => {
      if (target instanceof HTMLElement && target.matches(":focus-visible")) this.#showInterval(target); // under a pointer nothing may move
    });
    new ResizeObserver(() => this.#showActive()).observe(this.#intervals);
    this.#badge = new StatusBadge(document, (text) => this.#announce(text));
    new Menu(document, { list, follow, address: (symbol) => address(symbol, this.#interval) });
  }

  /** Shows that state with the next frame. */
  render(view: ViewModel, precision: number) {
    this.#view = view;
    this.#precision = precision;
    if (this.#isAsked) return;
    this.#isAsked = true;
    requestAnimationFrame(() => this.#paint());
  }

  /** An official candle took its place. */
  closed(view: ViewModel, row: Candle) {
    if (view.nowMs - this.#announcedMs < ANNOUNCE_EVERY_MS) return;
    this.#announcedMs = view.nowMs;
    const at = fullMoment(row.time, view.interval);
    this.#announce(`${view.symbol} ${view.interval} of ${at} closed at ${price(row.close, this.#precision)}, official.`);
  }

  /** Reads out the candle that keys have moved to. */
  read(legend: HTMLElement) {
    const parts = [...legend.children].map((part) => [...part.children].map((cell) => cell.textContent).join(" "));
    this.#announce(parts.join(", "));
  }

  /** A sentence that stays until the next choice: a link that could not be followed. */
  say(message: string) {
    this.#message = message;
  }

  /** Marks market and interval as chosen, and points every link at its own combination. */
  choose(symbol: string, interval: string) {
    this.#interval = interval;
    this.#element("market-name").textContent = symbol;
    this.#document.title = `${symbol} ${interval} · TrueCandle`;
    for (const link of this.#document.querySelectorAll<HTMLAnchorElement>("a[data-symbol]")) {
      mark(link, link.dataset.symbol === symbol, address(link.dataset.symbol!, interval));
    }
    for (const link of this.#document.querySelectorAll<HTMLAnchorElement>("a[data-interval]")) {
      mark(link, link.dataset.interval === interval, address(symbol, link.dataset.interval!));
    }
    this.#showActive();
    this.#lastPrice = null;
  }

  #showActive() {
    const active = this.#intervals.querySelector<HTMLElement>("[aria-current]");
    if (active !== null) this.#showInterval(active);
  }

  /** Brings an interval into the middle of their row; the page itself never scrolls. */
  #showInterval(link: HTMLElement) {
    const row = this.#intervals;
    row.scrollLeft = link.offsetLeft - (row.clientWidth - link.offsetWidth) / 2;
  }

  #paint() {
    this.#isAsked = false;
    const view = this.#view;
    if (view === null) return;
    const fresh = freshness(view);
    const warning = notice(view);
    this.#badge.show(fresh, view.nowMs);
    this.#paintAccount(isSignedOut(view));
    this.#paintNotice(warning, this.#message);
    this.#paintEmptiness(emptiness(view));
    this.#element("skeleton").hidden = view.load.kind !== "loading" || view.bars > 0;
    const words = status(view);
    for (const name of STATUS_CELLS) this.#text(`status-${name}`, words[name]);
    this.#paintExactness(exactness(view));
    this.#text("status-fresh", fresh.tone === "live" || warning !== "" ? "" : fresh.detail);
    this.#paintPrice(view);
  }

  #paintNotice(warning: string, message: string) {
    const line = this.#element("notice");
    line.hidden = warning === "" && message === "";
    line.dataset.tone = warning === "" ? "info" : "down";
    this.#text("notice", warning || message);
  }

  #paintExactness({ text, more, detail }: Omit<Said, "tone">) {
    const cell = this.#element("status-exact");
    cell.hidden = text === "";
    cell.title = detail;
    this.#text("exact-text", text);
    this.#text("exact-more", more);
  }

  #paintAccount(isOut: boolean) {
    const link = this.#element("sign-in") as HTMLAnchorElement;
    if (link.hidden !== isOut) return;
    link.hidden = !isOut;
    link.href = `/login?${new URLSearchParams({ next: this.#document.location.pathname + this.#document.location.search })}`;
    const account = this.#document.getElementById("account");
    if (account !== null) account.hidden = isOut;
  }

  #paintEmptiness(words: { title: string; text: string } | null) {
    this.#element("empty").hidden = words === null;
    if (words === null) return;
    this.#text("empty-title", words.title);
    this.#text("empty-text", words.text);
  }

  #paintPrice(view: ViewModel) {
    const cell = this.#element("market-price");
    const isKnown = view.price !== null && this.#precision >= 0;
    this.#text("market-price", isKnown ? price(view.price, this.#precision) : "–");
    this.#text("market-change", isKnown && view.dayOpen !== null ? change(view.dayOpen, view.price) : "");
    if (this.#lastPrice !== null && view.price !== null && view.price !== this.#lastPrice) {
      cell.dataset.direction = view.price > this.#lastPrice ? "up" : "down";
    }
    if (this.#lastPrice === null) delete cell.dataset.direction;
    this.#lastPrice = view.price;
  }

  #announce(text: string) {
    this.#element("announcer").textContent = text;
  }

  #clicked(event: MouseEvent) {
    const link = (event.target as Element).closest<HTMLAnchorElement>("a[data-symbol], a[data-interval]");
    if (link === null || event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    this.#message = "";
    this.#element("markets").hidePopover?.();
    this.#navigate(new URL(link.href));
  }

  #text(id: string, text: string) {
    const cell = this.#element(id);
    if (cell.textContent !== text) cell.textContent = text;
  }

  #element(id: string): HTMLElement {
    return element(this.#document, id);
  }
}

function address(symbol: string, interval: string) {
  return `/?${new URLSearchParams({ symbol, interval })}`;
}

function mark(link: HTMLAnchorElement, isChosen: boolean, href: string) {
  if (isChosen) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
  link.href = href;
}
