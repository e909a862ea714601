// The last candles as a table, for whoever reads rather than looks: a dialog that a button in the status line opens.
// Never here: which candles there are, live updates (a table that changes while it is read can't be read).
// Invariant: all rows are of one moment, which the caption names; each says whether it is official.

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { LIVE_STATES, change, clockWithZone, fullMoment, isOfDays, moment, price, volume } from "./format.ts";
import { Icon } from "./icons.tsx";
import type { Page } from "./page.ts";
import { shownZone } from "./shownZone.ts";

/** As many rows as can be listened to. */
const ROWS = 30;

type Row = ReturnType<Page["actions"]["candles"]>[number];

/** What was read at one moment. */
interface Reading {
  readonly symbol: string;
  readonly interval: string;
  readonly nowMs: number;
  readonly isLive: boolean;
  readonly precision: number;
  readonly rows: readonly Row[];
}

const COLUMNS = ["Open", "High", "Low", "Close", "Change", "Volume", "State"] as const;

export function CandleTable({ page }: { readonly page: Page }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const reading = useSignal(readOf(page));
  useEffect(() => {
    const focused = document.activeElement as HTMLElement | null;
    dialog.current!.showModal();
    return () => focused?.focus();
  }, []);
  return (
    <dialog id="table" class="table-dialog" aria-labelledby="table-title" ref={dialog} onClose={() => { page.dialog.value = null; }}>
      <Reader reading={reading.value} onRead={() => { reading.value = readOf(page); }} onClose={() => dialog.current!.close()} />
    </dialog>
  );
}

function Reader({ reading, onRead, onClose }: { readonly reading: Reading; readonly onRead: () => void; readonly onClose: () => void }): JSX.Element {
  const { symbol, interval, nowMs, isLive, rows } = reading;
  return (
    <>
      <header class="table-head">
        <h2 id="table-title" tabIndex={-1}>{symbol} {interval}</h2>
        <button id="table-read" class="button is-edged" type="button" onClick={onRead}>Read again</button>
        <button id="table-close" class="icon" type="button" title="Close" onClick={onClose}><span class="sr">Close the table</span><Icon name="close" /></button>
      </header>
      <div class="table-scroll" tabIndex={0} role="region" aria-label={`Candles of ${symbol} ${interval}`}>
        <table class="figures">
          <caption>
            <span>The last {rows.length} candles as they were at {clockWithZone(nowMs)}, newest first{isLive ? "" : "; the page was not live then"}. Only official candles are the exchange's final word.</span>
          </caption>
          <thead><tr><th scope="col">Opens{isOfDays(interval) ? "" : `, ${shownZone.value.label(nowMs)}`}</th>{COLUMNS.map((name) => <th key={name} scope="col">{name}</th>)}</tr></thead>
          <tbody>{rows.map((row) => <Line key={row.time} row={row} reading={reading} />)}</tbody>
        </table>
      </div>
    </>
  );
}

function Line({ row, reading: { interval, nowMs, precision } }: { readonly row: Row; readonly reading: Reading }): JSX.Element {
  return (
    <tr data-state={row.state}>
      <th scope="row" title={fullMoment(row.time, interval)}>{moment(row.time, interval, nowMs)}</th>
      {[row.open, row.high, row.low, row.close].map((number, at) => <td key={at}>{price(number, precision)}</td>)}
      <td>{change(row.open, row.close)}</td>
      <td>{volume(row.volume)}</td>
      <td class="table-state">{LIVE_STATES[row.state]}</td>
    </tr>
  );
}

function readOf({ state, actions, config }: Page): Reading {
  const view = state.view.peek();
  return {
    symbol: view?.symbol ?? config.symbol,
    interval: view?.interval ?? config.interval,
    nowMs: view?.nowMs ?? 0,
    isLive: state.isLive.peek(),
    precision: Math.max(0, state.precision.peek()),
    rows: actions.candles(ROWS).toReversed(),
  };
}
