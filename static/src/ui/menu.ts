// The market menu: what is typed filters it, arrows walk it, and a market that is not there can be followed.
// Never here: requests (handed in), which market is shown.
// Invariant: text goes in by textContent only; a market is listed once.

import type { Market } from "../net/protocol.ts";
import { element } from "./element.ts";
import { standing } from "./format.ts";

/** What may be a market's name; the server and the exchange decide. */
const SYMBOL = /^[\p{L}\p{N}._-]{2,20}$/u;

/** Which way a key walks the list. */
const STEPS: ReadonlyMap<string, number> = new Map([["ArrowDown", 1], ["ArrowUp", -1]]);

interface MenuOptions {
  readonly list: () => Promise<readonly Market[]>;
  readonly follow: ((symbol: string) => Promise<Market>) | null;
  readonly address: (symbol: string) => string;
}

export class Menu {
  readonly #document: Document;
  readonly #menu: HTMLElement;
  readonly #filter: HTMLInputElement;
  readonly #button: HTMLElement;
  readonly #list: MenuOptions["list"];
  readonly #follow: MenuOptions["follow"];
  readonly #address: MenuOptions["address"];
  #isAsking = false;

  /** `list` gives the followed markets; `follow` follows one more, null if this visitor may not. */
  constructor(document: Document, { list, follow, address }: MenuOptions) {
    this.#document = document;
    this.#menu = element(document, "markets");
    this.#filter = element(document, "markets-filter") as HTMLInputElement;
    this.#button = element(document, "markets-follow");
    this.#list = list;
    this.#follow = follow;
    this.#address = address;
    this.#menu.addEventListener("toggle", (event) => this.#toggled((event as ToggleEvent).newState === "open"));
    this.#menu.addEventListener("keydown", (event) => this.#pressed(event));
    this.#filter.addEventListener("input", () => this.#narrow());
    this.#button.addEventListener("click", () => this.#ask(this.#wanted));
  }

  get #wanted() {
    return this.#filter.value.trim().toUpperCase();
  }

  get #links(): HTMLAnchorElement[] {
    return [...this.#menu.querySelectorAll<HTMLAnchorElement>("a[data-symbol]")];
  }

  get #shown() {
    return this.#links.filter((link) => !link.parentElement!.hidden);
  }

  #toggled(isOpen: boolean) {
    element(this.#document, "market").setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) return;
    this.#say("");
    this.#narrow();
    this.#filter.focus();
    this.#list().then((markets) => this.#take(markets), () => {}); // what is listed already stays
  }

  /** Others may have followed more markets, or fewer, since the page came. */
  #take(markets: readonly Market[]) {
    for (const market of markets) this.#add(market);
    const symbols = new Set(markets.map((market) => market.symbol));
    for (const link of this.#links) if (!symbols.has(link.dataset.symbol!)) link.parentElement!.remove();
    this.#narrow();
  }

  #add(market: Market) {
    let link = this.#links.find((one) => one.dataset.symbol === market.symbol);
    if (link === undefined) {
      link = this.#document.createElement("a");
      link.dataset.symbol = market.symbol;
      link.href = this.#address(market.symbol);
      const item = this.#document.createElement("li");
      item.append(link);
      this.#menu.querySelector("ul")!.append(item);
    }
    const status = this.#document.createElement("span");
    status.className = "sheet-status";
    status.textContent = standing(market).word;
    link.replaceChildren(market.symbol, status);
    return link;
  }

  #narrow() {
    for (const link of this.#links) link.parentElement!.hidden = !link.dataset.symbol!.includes(this.#wanted);
    element(this.#document, "markets-none").hidden = this.#shown.length > 0;
    const isThere = this.#links.some((link) => link.dataset.symbol === this.#wanted);
    this.#button.hidden = this.#follow === null || isThere || !SYMBOL.test(this.#wanted);
    this.#button.textContent = `Follow ${this.#wanted}`;
    if (!this.#isAsking) this.#say("");
  }

  async #ask(symbol: string) {
    if (this.#isAsking || this.#follow === null) return;
    this.#isAsking = true;
    this.#say(`Asking the exchange about ${symbol} …`);
    try {
      const link = this.#add(await this.#follow(symbol));
      this.#filter.value = "";
      this.#narrow();
      this.#say("");
      link.click();
    } catch (error) {
      this.#say((error as Error).message);
    } finally {
      this.#isAsking = false;
    }
  }

  #pressed(event: KeyboardEvent) {
    const links = this.#shown;
    const step = STEPS.get(event.key);
    const isEnter = event.key === "Enter" && event.target === this.#filter;
    if (step !== undefined) (links[links.indexOf(this.#document.activeElement as HTMLAnchorElement) + step] ?? this.#filter).focus();
    else if (isEnter && links.length > 0) links[0]!.click();
    else if (isEnter && !this.#button.hidden) this.#button.click();
    else return;
    event.preventDefault();
  }

  #say(text: string) {
    element(this.#document, "markets-say").textContent = text;
  }
}
