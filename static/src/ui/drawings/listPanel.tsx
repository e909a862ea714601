// The panel that lists what is drawn on the market: select, hide, lock, remove, each and all.
// Never here: painting, keeping.
// Invariant: it says whether what is drawn is kept, and where it is not, why and what there is to do.

import type { JSX } from "preact";
import type { Drawing } from "../../drawings/drawing.ts";
import type { DrawingDesk } from "../../state/drawingDesk.ts";
import type { SyncState } from "../../state/drawingSync.ts";
import type { MarketDrawings } from "../../state/marketDrawings.ts";
import { KIND_NAMES, placesWords, placeWords } from "../drawingWords.ts";
import { mayWrite, type Page } from "../page.ts";
import { Panel } from "../panel.tsx";
import { ToolIcon, type ToolIconName } from "./toolIcons.tsx";

interface ListProps {
  readonly page: Page;
  readonly desk: DrawingDesk;
}

export function ListPanel({ page, desk }: ListProps): JSX.Element {
  const symbol = page.state.shown.value?.symbol ?? page.config.symbol;
  const market = desk.of(symbol);
  const list = market.list.value;
  const free = list.filter(({ locked }) => !locked).length;
  return (
    <Panel page={page} name="drawings" title="Drawings" note={symbol}>
      <Kept page={page} market={market} />
      {list.length === 0 ? <Nothing page={page} symbol={symbol} /> : (
        <ul class="drawn" aria-label={`Drawings on ${symbol}`}>
          {[...list].reverse().map((drawing) => <Row key={drawing.id} page={page} desk={desk} market={market} drawing={drawing} />)}
        </ul>
      )}
      {free === 0 ? null : (
        <p class="drawn-all">
          <button class="button is-edged" type="button" onClick={() => {
            market.clear();
            page.announcer.tell(`${free} ${free === 1 ? "drawing" : "drawings"} removed. Ctrl+Z brings them back.`);
          }}>Remove all that are not locked</button>
        </p>
      )}
    </Panel>
  );
}

function Kept({ page, market }: { readonly page: Page; readonly market: MarketDrawings }): JSX.Element {
  const sync = market.sync.value;
  return (
    <p class="drawn-kept" data-kind={sync.kind} role="status">
      {keptWords(sync, mayWrite(page.config))}
      {sync.kind === "failed" && mayWrite(page.config) ? <button class="button is-edged" type="button" onClick={() => market.again()}>Try again now</button> : null}
    </p>
  );
}

function keptWords({ kind, detail }: SyncState, isOnServer: boolean): string {
  if (kind === "loading") return "Loading what is drawn …";
  if (kind === "saving") return "Saving …";
  if (kind === "failed") return `Not kept yet: ${detail}`;
  return isOnServer ? "Kept on the server, for all your browsers." : "Kept in this browser alone.";
}

function Nothing({ page, symbol }: { readonly page: Page; readonly symbol: string }): JSX.Element {
  const { preferences } = page;
  const hasTools = preferences.of("tools").value;
  return (
    <div class="panel-empty drawn-nothing">
      <p>Nothing is drawn on {symbol} yet. {hasTools ? "Take a tool and point at the chart twice." : ""}</p>
      {hasTools ? null : <button class="button is-edged" type="button" onClick={() => preferences.set("tools", true)}>Show the tools</button>}
    </div>
  );
}

function Row({ page, desk, market, drawing }: ListProps & { readonly market: MarketDrawings; readonly drawing: Drawing }): JSX.Element {
  const { id, kind, text, style, locked, hidden } = drawing;
  const isSelected = desk.selected.value?.id === id;
  const interval = page.state.view.value?.interval ?? page.config.interval;
  const precision = page.state.precision.value;
  const select = () => desk.select(isSelected ? null : { symbol: market.symbol, id });
  return (
    <li class="drawn-row" data-selected={isSelected ? "" : undefined} data-hidden={hidden ? "" : undefined}>
      <button class="drawn-name" type="button" aria-pressed={isSelected} onClick={select}>
        <span class="ink" data-ink={style.color} aria-hidden="true" /><ToolIcon name={kind} />
        <span class="drawn-words"><b>{text === "" ? KIND_NAMES[kind] : text}</b><i class="figures" title={placesWords(drawing, precision, interval)}>{placeWords(drawing, precision, interval, page.state.view.value?.nowMs ?? 0)}</i></span>
      </button>
      <Flag icon={hidden ? "hide" : "show"} name={`Hidden: ${KIND_NAMES[kind]}`} tip={hidden ? "Show" : "Hide"} isOn={hidden} onPress={() => market.replace({ ...drawing, hidden: !hidden })} />
      <Flag icon={locked ? "lock" : "unlock"} name={`Locked: ${KIND_NAMES[kind]}`} tip={locked ? "Unlock" : "Lock"} isOn={locked} onPress={() => market.replace({ ...drawing, locked: !locked })} />
      <button class="icon" type="button" disabled={locked} aria-label={`Remove: ${KIND_NAMES[kind]}`} title={locked ? "Locked" : "Remove"} onClick={() => market.remove(id)}><ToolIcon name="remove" /></button>
    </li>
  );
}

function Flag({ icon, name, tip, isOn, onPress }: { readonly icon: ToolIconName; readonly name: string; readonly tip: string; readonly isOn: boolean; readonly onPress: () => void }): JSX.Element {
  return <button class="icon" type="button" aria-label={name} title={tip} aria-pressed={isOn} onClick={onPress}><ToolIcon name={icon} /></button>;
}
