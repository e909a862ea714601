// The Truth panel: how exact the live chart was, what the exchange corrected, what is missing, what waits.
// Never here: asking for any of it, the words' making (truthWords.ts), going to a candle.
// Invariant: every entry leads to its candle; what is not known, or nothing, is said in words.

import type { ComponentChildren, JSX } from "preact";
import type { Correction, GapFields } from "../net/protocol.ts";
import { LISTED_MAX, type TruthReport } from "../state/truthReport.ts";
import type { ViewModel } from "../state/viewModel.ts";
import { CopyLink } from "./copyLink.tsx";
import { fullMoment, moment, price, volume } from "./format.ts";
import { gapWords, spanWords } from "./gapWords.ts";
import type { Page } from "./page.ts";
import { Panel } from "./panel.tsx";
import { fieldWord, late, noticedWords, share, worstWords } from "./truthWords.ts";

/** Waiting candles listed: more stand on the chart. */
const WAITING_MAX = 10;

/** Fields of one correction that are told. */
const CHANGES_MAX = 2;

const PRICES: ReadonlySet<string> = new Set(["open", "high", "low", "close"]);

export function TruthPanel({ page }: { readonly page: Page }): JSX.Element {
  const { state, truth } = page;
  const view = state.view.value;
  const { report, isAsking, problem } = truth.report.state.value;
  return (
    <Panel page={page} name="truth" title="Truth" note={view === null ? "" : `${view.symbol} ${view.interval}`} isBusy={isAsking && report === null}>
      <AsShown page={page} />
      {problem === "" ? null : (
        <p class="panel-problem" role="status">What the server knows could not be read: {problem} <button class="button" type="button" onClick={() => truth.report.retry()}>Try again</button></p>
      )}
      {report === null || view === null ? <p class="panel-empty">{problem === "" ? "Reading …" : ""}</p> : <Report page={page} report={report} view={view} />}
    </Panel>
  );
}

/** The switch between official candles and those that were shown. */
function AsShown({ page: { truth } }: { readonly page: Page }): JSX.Element {
  const { isOn } = truth.shown.state.value;
  return (
    <section class="panel-part">
      <button id="as-shown-switch" class="switch" type="button" role="switch" aria-checked={isOn} onClick={() => truth.shown.toggle(!isOn)}>
        <span>Draw candles as shown live</span><i aria-hidden="true" />
      </button>
      {isOn ? <p class="panel-more">Outlined: as shown. Pale: official. A diamond marks what differs.</p> : null}
    </section>
  );
}

interface ReportProps {
  readonly page: Page;
  readonly report: TruthReport;
  readonly view: ViewModel;
}

function Report({ page, report, view }: ReportProps): JSX.Element {
  const { corrections, gaps } = report;
  const { interval, nowMs, waiting } = view;
  return (
    <>
      <Figures report={report} view={view} />
      <List title="Corrections" count={corrections.length} none="The exchange has corrected none of these candles since they are stored.">
        {corrections.map((one) => (
          <Entry key={`${one.time} ${one.at}`} page={page} openMs={one.time} interval={interval} title={moment(one.time, interval, nowMs)} more={noticedWords(one)}>
            <Changes correction={one} precision={page.state.precision.value} />
          </Entry>
        ))}
      </List>
      <List title="Gaps" count={gaps.length} none="No candle is missing among those stored.">
        {gaps.map((gap) => (
          <Entry key={gap.start} page={page} openMs={gap.start} interval={interval} title={spanWords(gap.start, gap.end, interval, nowMs)} more={evidence(gap, interval, nowMs)}>
            {gapWords({ startMs: gap.start, endMs: gap.end, reason: gap.reason })}
          </Entry>
        ))}
      </List>
      <List title="Waiting" count={waiting.length} none="Every closed candle that is shown is official.">
        <li class="panel-more">Closed, and waiting for the official candle:</li>
        <li class="waiting figures">
          {waiting.slice(-WAITING_MAX).reverse().map((openMs) => (
            <button key={openMs} class="button" type="button" title={fullMoment(openMs, interval)} onClick={() => page.actions.jump(openMs)}>{moment(openMs, interval, nowMs)}</button>
          ))}
        </li>
      </List>
    </>
  );
}

function Figures({ report: { summary, worst, sinceMs }, view: { interval } }: { readonly report: TruthReport; readonly view: ViewModel }): JSX.Element {
  if (summary === null || summary.shown + summary.never_shown === 0) {
    return <p class="panel-empty">No candle has become official here yet while it was shown live: how exact the chart was is known from then on.</p>;
  }
  return (
    <section class="panel-part">
      <dl class="facts figures">
        <div class="facts-first"><dt>Shown exactly as official</dt><dd id="truth-share">{share(summary.exact_share)}</dd></div>
        <div><dt>Worst price difference</dt><dd id="truth-worst">{worstWords(worst, summary)}</dd></div>
        <div><dt>Median time to official</dt><dd id="truth-median">{late(summary.median_ms)}</dd></div>
        <div><dt>Candles compared</dt><dd>{summary.shown.toLocaleString("en-US")}</dd></div>
        {summary.never_shown > 0 ? <div><dt>Closed while not shown</dt><dd>{summary.never_shown.toLocaleString("en-US")}</dd></div> : null}
      </dl>
      {sinceMs === null ? null : <p id="truth-since" class="panel-more">Known since {fullMoment(sinceMs, interval)}, at most of the last 1,000 candles.</p>}
    </section>
  );
}

function List({ title, count, none, children }: { readonly title: string; readonly count: number; readonly none: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <section class="panel-part">
      <h3>{title}{count === 0 ? null : <span class="panel-count figures">{count >= LISTED_MAX ? `${LISTED_MAX}, the newest` : count}</span>}</h3>
      {count === 0 ? <p class="panel-empty">{none}</p> : <ul>{children}</ul>}
    </section>
  );
}

interface EntryProps {
  readonly page: Page;
  readonly openMs: number;
  readonly interval: string;
  readonly title: string;
  readonly more?: string;
  readonly children: ComponentChildren;
}

function Entry({ page, openMs, interval, title, more = "", children }: EntryProps): JSX.Element {
  const isPicked = page.state.picked.value === openMs;
  return (
    <li class="entry" data-at={openMs} data-picked={isPicked ? "" : undefined}>
      <button class="entry-go" type="button" aria-current={isPicked ? "true" : undefined} onClick={() => page.actions.jump(openMs)}>
        <span class="entry-title figures">{title}</span>
        <span class="entry-what figures">{children}</span>
        {more === "" ? null : <span class="entry-more">{more}</span>}
      </button>
      <CopyLink page={page} openMs={openMs} of={fullMoment(openMs, interval)} isSmall />
    </li>
  );
}

/** "close 64,047.00 → 64,350.00", a line a field; of more than two fields the rest as a number. */
function Changes({ correction: { differing, old, new: now }, precision }: { readonly correction: Correction; readonly precision: number }): JSX.Element {
  const value = (candle: Correction["old"], name: string) => {
    const number = candle[name as keyof Correction["old"]];
    return PRICES.has(name) ? price(number, precision) : volume(number);
  };
  const rest = differing.length - CHANGES_MAX;
  return (
    <>
      {differing.slice(0, CHANGES_MAX).map((name) => <span key={name} class="entry-change">{fieldWord(name)} {value(old, name)} → {value(now, name)}</span>)}
      {rest > 0 ? <span class="entry-change">and {rest} more</span> : null}
    </>
  );
}

/** How many are missing and what proves it; open times, which the server gives in ms, as all times here. */
function evidence({ candles, evidence: words }: GapFields, interval: string, nowMs: number): string {
  const told = words.replace(/\b\d{13}\b/g, (ms) => moment(Number(ms), interval, nowMs));
  return `${candles.toLocaleString("en-US")} ${candles === 1 ? "candle" : "candles"}: ${told}`;
}
