// The market menu: what is typed filters it, arrows walk it, and a market that is not there can be followed.
// Never here: requests (handed in), which market is shown.
// Invariant: a market is listed once.

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { standing } from "./format.ts";
import { address, isPlainClick, type Page } from "./page.ts";

/** What may be a market's name; the server and the exchange decide. */
const SYMBOL = /^[\p{L}\p{N}._-]{2,20}$/u;

/** Which way a key walks the list. */
const STEPS: ReadonlyMap<string, number> = new Map([["ArrowDown", 1], ["ArrowUp", -1]]);

/** What is typed already when the menu opens. */
let beginning = "";

/** Opens the menu with that much typed. */
export function openMarketMenu(text: string) {
  beginning = text;
  document.getElementById("markets")?.showPopover();
}

interface MarketMenuProps {
  readonly page: Page;
  readonly symbol: string;
  readonly interval: string;
  readonly onToggle: (isOpen: boolean) => void;
}

export function MarketMenu({ page, symbol, interval, onToggle }: MarketMenuProps): JSX.Element {
  const sheet = useRef<HTMLDivElement>(null);
  const filter = useRef<HTMLInputElement>(null);
  const wanted = useSignal("");
  const said = useSignal("");
  const isAsking = useSignal(false);
  const markets = page.markets.list.value;
  const shown = markets.filter((market) => market.symbol.includes(wanted.value));
  const isAbsent = SYMBOL.test(wanted.value) && !markets.some((market) => market.symbol === wanted.value);
  const canFollow = isAbsent && page.config.signed_in;

  const toggled = (event: Event) => {
    const isOpen = (event as ToggleEvent).newState === "open";
    onToggle(isOpen);
    if (!isOpen) return;
    wanted.value = filter.current!.value = beginning;
    said.value = beginning = "";
    filter.current!.focus();
    void page.markets.refresh();
  };
  const go = (name: string) => {
    sheet.current!.hidePopover();
    page.actions.go({ symbol: name });
  };
  const follow = async () => {
    if (isAsking.value) return;
    const name = wanted.value;
    isAsking.value = true;
    said.value = `Asking the exchange about ${name}.`;
    try {
      const market = await page.markets.follow(name);
      said.value = "";
      if (wanted.value === name && sheet.current!.matches(":popover-open")) go(market.symbol);
    } catch (error) {
      said.value = error instanceof Error ? error.message : String(error);
    } finally {
      isAsking.value = false;
    }
  };
  const pressed = (event: KeyboardEvent) => {
    const links = [...sheet.current!.querySelectorAll<HTMLElement>("a[data-symbol]")];
    if (event.key === "Enter" && event.target === filter.current) {
      event.preventDefault();
      const first = shown.find((market) => market.symbol === wanted.value) ?? shown[0];
      if (first !== undefined) go(first.symbol);
      else if (canFollow) void follow();
    }
    const step = STEPS.get(event.key);
    if (step === undefined || links.length === 0) return;
    event.preventDefault();
    const at = links.indexOf(document.activeElement as HTMLElement) + step;
    if (at < 0) filter.current!.focus();
    else links[Math.min(at, links.length - 1)]!.focus();
  };
  return (
    <div id="markets" class="sheet" popover="auto" role="dialog" aria-label="Choose a market" ref={sheet} onToggle={toggled} onKeyDown={pressed}>
      <input
        id="markets-filter" type="text" placeholder="Search a market" aria-label="Search a market" autocomplete="off" autocapitalize="characters"
        spellcheck={false} ref={filter} onInput={({ currentTarget }) => { wanted.value = currentTarget.value.trim().toUpperCase(); said.value = ""; }}
      />
      <ul>
        {shown.map((market) => (
          <li key={market.symbol}>
            <a
              href={address(market.symbol, interval)} data-symbol={market.symbol} aria-current={market.symbol === symbol ? "true" : undefined}
              onClick={(event) => { if (isPlainClick(event)) { event.preventDefault(); go(market.symbol); } }}
            >{market.symbol}{standing(market).word === "" ? null : <span class="sheet-status">{standing(market).word}</span>}</a>
          </li>
        ))}
      </ul>
      {shown.length === 0 && !canFollow ? <p id="markets-none">No market of that name is followed here.</p> : null}
      {canFollow ? <button id="markets-follow" class="button" type="button" disabled={isAsking.value} onClick={follow}>Follow {wanted}</button> : null}
      <p id="markets-say" role="status">{said}</p>
      <p class="sheet-credit">Charts: <Credit /></p>
    </div>
  );
}

/** The attribution that the chart library's licence asks for. */
export function Credit(): JSX.Element {
  return (
    <a class="credit" href="https://www.tradingview.com/" rel="noopener noreferrer" target="_blank">
      TradingView Lightweight Charts™ © 2025 TradingView, Inc.
    </a>
  );
}
