// One market in the search: star, name in its two parts, last price, change and turnover of 24 hours, followed or not.
// Never here: what choosing it does, where its figures come from.
// Invariant: an option as readers know it: nothing in it takes the focus; the foot does by keys what the pointer does here.

import type { JSX } from "preact";
import type { RankedMarket } from "../state/marketRanking.ts";
import { standing } from "./format.ts";
import { Icon } from "./icons.tsx";
import type { FootAction } from "./marketFoot.tsx";
import { UNKNOWN, dayChange, nameParts, precisionOf, priceText, turnover } from "./marketWords.ts";
import { mayWrite, type Page } from "./page.ts";

interface MarketRowProps {
  readonly page: Page;
  readonly row: RankedMarket;
  readonly isActive: boolean;
  readonly onChoose: (symbol: string, what?: FootAction) => void;
}

/** The id that the field points at. */
export function optionId(symbol: string): string {
  return `market-${symbol}`;
}

export function MarketRow({ page, row: { market }, isActive, onChoose }: MarketRowProps): JSX.Element {
  const { symbol } = market;
  const ours = page.markets.list.value.find((one) => one.symbol === symbol);
  const canFollow = mayWrite(page.config) || !page.config.signed_in; // whoever is not signed in is led there
  const isFavourite = page.preferences.of("favourites").value.includes(symbol);
  const isShown = (page.state.absent.value?.symbol ?? page.state.view.value?.symbol) === symbol;
  const { base, quote } = nameParts(market);
  const { change, direction } = dayChange(market);
  const word = isShown ? "shown" : standing({ symbol, status: ours?.status ?? market.status }).word;
  const clicked = (event: MouseEvent) => onChoose(symbol, partOf(event.target as Element));
  return (
    <div
      id={optionId(symbol)} class="search-row" role="option" aria-selected={isActive} data-symbol={symbol} data-followed={ours === undefined ? undefined : ""}
      onClick={clicked} onMouseDown={(event) => event.preventDefault()}
    >
      <span class="search-star" data-act="star" data-on={isFavourite ? "" : undefined} title={isFavourite ? "Take away from the favourites" : "Make it a favourite"}>
        <Icon name="star" />{isFavourite ? <span class="sr">favourite, </span> : null}
      </span>
      <span class="pair"><b>{base}</b>{quote === "" ? null : <i><span class="sr"> / </span>{quote}</i>}{word === "" ? null : <em>{word}</em>}</span>
      <span class="search-price figures">{priceText(market.price, precisionOf(market, ours))}</span>
      <span class="search-change way figures" data-direction={direction ?? undefined}>{change}</span>
      <span class="search-volume figures"><span class="sr">volume </span>{market.quote_volume === null ? UNKNOWN : turnover(market.quote_volume)}{quote === "" ? "" : ` ${quote}`}</span>
      {ours === undefined
        ? <span class="search-follow"><span class="sr">not followed</span>{canFollow ? <span aria-hidden="true">Follow</span> : null}</span>
        : <span class="search-follow is-on" data-act={ours.may_unfollow ? "unfollow" : undefined} title={ours.may_unfollow ? `Unfollow ${symbol} …` : `${symbol} is followed`}><Icon name="tick" /><span class="sr">followed</span></span>}
    </div>
  );
}

/** The part of a row that was meant. */
function partOf(target: Element): FootAction {
  return (target.closest<HTMLElement>("[data-act]")?.dataset.act ?? "go") as FootAction;
}
