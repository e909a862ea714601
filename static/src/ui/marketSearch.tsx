// The search over all markets of the exchange: a field, what fits it, and what can be done with the one chosen.
// Never here: which markets fit (state/marketRanking.ts), rows (marketRow.tsx), following (marketFoot.tsx).
// Invariant: the focus stays in the field; arrows move the active row, which is what Enter and the foot are about.

import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { MarketRanking, nameOnly, type RankedMarket } from "../state/marketRanking.ts";
import { Credit } from "./credit.tsx";
import { Dialog } from "./dialogs.tsx";
import { MarketFoot, type FootAction, type FootWish } from "./marketFoot.tsx";
import { MarketRow, optionId } from "./marketRow.tsx";
import { toggleFavourite } from "./favouriteStar.tsx";
import type { Page } from "./page.ts";

/** Rows that stand in the list at first, and that come when its end is reached. */
const ROWS = 60;

/** How far a key moves the active row. */
const STEPS: ReadonlyMap<string, number> = new Map([["ArrowDown", 1], ["ArrowUp", -1], ["PageDown", 10], ["PageUp", -10], ["Home", -Infinity], ["End", Infinity]]);

const GROUPS = [["favourite", "Favourites"], ["followed", "Followed"], ["other", "Most traded"]] as const;

export function MarketSearch({ page }: { readonly page: Page }): JSX.Element {
  const { exchange, markets, preferences, state } = page;
  const field = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const text = state.searchText;
  const active = useSignal("");
  const limit = useSignal(ROWS);
  const wish = useSignal<FootWish | null>(null);
  const ranking = useComputed(() => new MarketRanking(exchange.list.value ?? markets.list.value.map(({ symbol, base, quote }) => ({ ...nameOnly(symbol), base, quote }))));
  const found = useComputed(() => {
    const followed = markets.list.value;
    const known = { followed: followed.map(({ symbol }) => symbol), favourites: preferences.of("favourites").value };
    return ranking.value.rank(text.value, known);
  });
  useEffect(() => {
    exchange.open();
    void markets.refresh();
    field.current!.focus();
    field.current!.setSelectionRange(text.peek().length, text.peek().length);
    return () => exchange.close();
  }, []);

  const rows = found.value.slice(0, limit.value);
  const at = Math.max(0, rows.findIndex(({ market }) => market.symbol === active.value));
  const chosen = rows[at] ?? null;
  useEffect(() => {
    if (at === 0) list.current!.scrollTop = 0; // its group's title too
    else list.current!.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [chosen?.market.symbol]);

  const typed = (wanted: string) => {
    text.value = wanted;
    active.value = "";
    limit.value = ROWS;
    wish.value = null;
    list.current!.scrollTop = 0;
  };
  const choose = (symbol: string, what: FootAction = "go") => {
    active.value = symbol;
    if (what === "star") toggleFavourite(page, symbol);
    wish.value = what === "star" ? null : { symbol, what };
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.isComposing || event.target !== field.current) return;
    const step = STEPS.get(event.key);
    if (event.key === "Enter" && chosen !== null) choose(chosen.market.symbol);
    else if (event.key === "Escape" && wish.value !== null) wish.value = null;
    else if (step !== undefined && rows.length > 0) {
      active.value = rows[Math.min(rows.length - 1, Math.max(0, at + step))]!.market.symbol;
      wish.value = null;
      if (at + step >= rows.length - 1) limit.value += ROWS;
    } else return;
    event.preventDefault();
  };
  const scrolled = ({ currentTarget: box }: { readonly currentTarget: HTMLElement }) => {
    if (box.scrollTop + box.clientHeight > box.scrollHeight - 200 && limit.value < found.value.length) limit.value += ROWS;
  };
  const isAll = text.value.trim() === "";
  const groups = isAll ? GROUPS.map(([group, title]) => [title, rows.filter((row) => row.group === group)] as const) : [["", rows] as const];
  return (
    <Dialog page={page} id="markets" title="Markets">
      <div class="search" onKeyDown={pressed}>
        <input
          id="markets-filter" class="field" type="text" role="combobox" aria-expanded="true" aria-controls="markets-list" aria-autocomplete="list"
          aria-activedescendant={chosen === null ? undefined : optionId(chosen.market.symbol)} placeholder="Name or part of it, as btc or btc usdt" aria-label="Search a market"
          autocomplete="off" autocapitalize="characters" spellcheck={false} autofocus ref={field} value={text.value} onInput={({ currentTarget }) => typed(currentTarget.value)}
        />
        <p class="search-heads" aria-hidden="true"><span>Market</span><span>Last price</span><span>24 h</span><span>24 h volume</span></p>
        <div id="markets-list" class="search-list" role="listbox" aria-label="Markets" tabIndex={-1} ref={list} onScroll={scrolled}>
          {groups.map(([title, members]) => members.length === 0 ? null : (
            <Group key={title} title={title}>
              {members.map((row: RankedMarket) => <MarketRow key={row.market.symbol} page={page} row={row} isActive={row === chosen} onChoose={choose} />)}
            </Group>
          ))}
        </div>
        <Rest found={found.value.length} shown={rows.length} text={text.value} page={page} />
        {chosen === null ? null : <MarketFoot key={chosen.market.symbol} page={page} row={chosen} wish={wish} focusField={() => field.current?.focus()} />}
        <p class="search-credit">Charts: <Credit /></p>
      </div>
    </Dialog>
  );
}

function Group({ title, children }: { readonly title: string; readonly children: JSX.Element[] }): JSX.Element {
  return (
    <div class="search-group" role="group" aria-label={title === "" ? "What fits" : title}>
      {title === "" ? null : <p class="search-title" aria-hidden="true">{title}</p>}
      {children}
    </div>
  );
}

/** What is not in the list, and why. */
function Rest({ found, shown, text, page: { exchange } }: { readonly found: number; readonly shown: number; readonly text: string; readonly page: Page }): JSX.Element {
  const problem = exchange.problem.value;
  const isKnown = exchange.list.value !== null;
  const name = text.trim().toUpperCase();
  return (
    <p id="markets-rest" class="search-rest" role="status">
      {found > shown ? `and ${(found - shown).toLocaleString("en-US")} more` : ""}
      {found === 0 && isKnown ? `The exchange lists no market that fits ${name.slice(0, 30)}.` : ""}
      {!isKnown && problem === "" ? "Reading the exchange's list …" : ""}
      {problem === "" ? null : <>The exchange's list can't be read: {problem} <button class="button" type="button" onClick={() => exchange.retry()}>Try again</button></>}
    </p>
  );
}
