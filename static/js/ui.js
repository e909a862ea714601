// The page around the chart: market, intervals, freshness, notices and the status line, in the DOM.
// Never here: what the words are (words.js), what they mean (session.js), the chart.
// Invariant: text goes in by textContent only; what has not changed is not touched.

import { emptiness, exactness, freshness, isSignedOut, notice } from "./freshness.js";
import { Menu } from "./menu.js";
import { Pill } from "./pill.js";
import { change, fullMoment, price, status } from "./words.js";

/** A screen reader hears of a closed candle at most this often: 1s candles close every second. */
const ANNOUNCE_EVERY_MS = 20_000;

const STATUS_CELLS = ["clock", "official", "pending", "forming", "closes", "version"];

export class Ui {
  #document;
  #navigate;
  #view = null;
  #precision = 0;
  #isAsked = false;
  #pill;
  #intervals;
  #lastPrice = null;
  #announcedMs = 0;
  #message = "";
  #interval = "";

  constructor(document, { navigate, list, follow }) {
    this.#document = document;
    this.#navigate = navigate;
    document.addEventListener("click", (event) => this.#clicked(event));
    this.#intervals = document.querySelector(".intervals");
    this.#intervals.addEventListener("focusin", ({ target }) => {
      if (target.matches(":focus-visible")) this.#showInterval(target); // under a pointer nothing may move
    });
    new ResizeObserver(() => this.#showActive()).observe(this.#intervals);
    this.#pill = new Pill(document, (text) => this.#announce(text));
    new Menu(document, { list, follow, address: (symbol) => address(symbol, this.#interval) });
  }

  /** Shows that state with the next frame. */
  render(view, precision) {
    this.#view = view;
    this.#precision = precision;
    if (this.#isAsked) return;
    this.#isAsked = true;
    requestAnimationFrame(() => this.#paint());
  }

  /** An official candle took its place. */
  closed(view, row) {
    if (view.nowMs - this.#announcedMs < ANNOUNCE_EVERY_MS) return;
    this.#announcedMs = view.nowMs;
    const at = fullMoment(row.time, view.interval);
    this.#announce(`${view.symbol} ${view.interval} of ${at} closed at ${price(row.close, this.#precision)}, official.`);
  }

  /** Reads out the candle that keys have moved to. */
  read(legend) {
    const parts = [...legend.children].map((part) => [...part.children].map((cell) => cell.textContent).join(" "));
    this.#announce(parts.join(", "));
  }

  /** A sentence that stays until the next choice: a link that could not be followed. */
  say(message) {
    this.#message = message;
  }

  /** Marks market and interval as chosen, and points every link at its own combination. */
  choose(symbol, interval) {
    this.#interval = interval;
    this.#element("market-name").textContent = symbol;
    this.#document.title = `${symbol} ${interval} · TrueCandle`;
    for (const link of this.#document.querySelectorAll("[data-symbol]")) {
      mark(link, link.dataset.symbol === symbol, address(link.dataset.symbol, interval));
    }
    for (const link of this.#document.querySelectorAll("[data-interval]")) {
      mark(link, link.dataset.interval === interval, address(symbol, link.dataset.interval));
    }
    this.#showActive();
    this.#lastPrice = null;
  }

  #showActive() {
    const active = this.#intervals.querySelector("[aria-current]");
    if (active !== null) this.#showInterval(active);
  }

  /** Brings an interval into the middle of their row; the page itself never scrolls. */
  #showInterval(link) {
    const row = this.#intervals;
    row.scrollLeft = link.offsetLeft - (row.clientWidth - link.offsetWidth) / 2;
  }

  #paint() {
    this.#isAsked = false;
    const view = this.#view;
    const fresh = freshness(view);
    const warning = notice(view);
    this.#pill.show(fresh, view.nowMs);
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

  #paintNotice(warning, message) {
    const element = this.#element("notice");
    element.hidden = warning === "" && message === "";
    element.dataset.tone = warning === "" ? "info" : "down";
    this.#text("notice", warning || message);
  }

  #paintExactness({ text, more, detail }) {
    const cell = this.#element("status-exact");
    cell.hidden = text === "";
    cell.title = detail;
    this.#text("exact-text", text);
    this.#text("exact-more", more);
  }

  #paintAccount(isOut) {
    const link = this.#element("sign-in");
    if (link.hidden !== isOut) return;
    link.hidden = !isOut;
    link.href = `/login?${new URLSearchParams({ next: this.#document.location.pathname + this.#document.location.search })}`;
    const account = this.#document.getElementById("account");
    if (account !== null) account.hidden = isOut;
  }

  #paintEmptiness(words) {
    this.#element("empty").hidden = words === null;
    if (words === null) return;
    this.#text("empty-title", words.title);
    this.#text("empty-text", words.text);
  }

  #paintPrice(view) {
    const cell = this.#element("market-price");
    const isKnown = view.price !== null && this.#precision >= 0;
    this.#text("market-price", isKnown ? price(view.price, this.#precision) : "–");
    this.#text("market-change", isKnown && view.dayOpen !== null ? change(view.dayOpen, view.price) : "");
    if (this.#lastPrice !== null && view.price !== this.#lastPrice) {
      cell.dataset.direction = view.price > this.#lastPrice ? "up" : "down";
    }
    if (this.#lastPrice === null) delete cell.dataset.direction;
    this.#lastPrice = view.price;
  }

  #announce(text) {
    this.#element("announcer").textContent = text;
  }

  #clicked(event) {
    const link = event.target.closest("a[data-symbol], a[data-interval]");
    if (link === null || event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    this.#message = "";
    this.#element("markets").hidePopover?.();
    this.#navigate(new URL(link.href));
  }

  #text(id, text) {
    const element = this.#element(id);
    if (element.textContent !== text) element.textContent = text;
  }

  #element(id) {
    return this.#document.getElementById(id);
  }
}

function address(symbol, interval) {
  return `/?${new URLSearchParams({ symbol, interval })}`;
}

function mark(link, isChosen, href) {
  if (isChosen) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
  link.href = href;
}
