// What is said at the old end of the chart: from when on is stored, what is fetched, why there is no more.
// Never here: the DOM, when it is said, what the next step does.
// Invariant: every sentence that ends somewhere names a next step, unless there is none.

import type { HistoryAnswer, HistoryJob } from "../net/protocol.ts";
import type { JumpEnd } from "../state/jump.ts";
import type { OlderView } from "../state/historyEdge.ts";
import type { ViewModel } from "../state/viewModel.ts";
import { count, fullMoment, marketStart, moment } from "./format.ts";

/** What a reader can do about it. */
export type OlderStep = "stop" | "fetch" | "retry" | "signIn" | "longer" | "fetchTo" | "none";

/** `kind` changes when it is worth being read out; `aimMs` is where "fetchTo" and "longer" go, if anywhere. */
export interface OlderWords {
  readonly kind: string;
  readonly text: string;
  readonly step: OlderStep;
  readonly isEnd: boolean;
  readonly aimMs: number | null;
}

/** What the words are made from. */
type View = Pick<ViewModel, "symbol" | "interval" | "nowMs" | "older">;

/** Null where nothing has to be said. */
export function olderWords(view: View): OlderWords | null {
  const { older } = view;
  if (older.end !== null) return ended(view, older.end);
  if (older.aimMs !== null) return going(view, older.aimMs);
  return older.state === null ? null : edge(view, older.state);
}

function edge(view: View, { told, failure, isFull, isStopped, canAsk }: NonNullable<OlderView["state"]>): OlderWords | null {
  if (isFull) return says("full", `This page holds no more than ${count(view.older.heldMax)} candles of a series.`, "longer");
  if (failure !== null) return says("failed", failed(failure), "retry");
  if (told === null) return null;
  if (told.is_whole) return told.first === view.older.firstMs ? says("start", marketStart(view.symbol, told.first!, view.interval), "none") : null;
  const since = storedFrom(view, told);
  if (told.limit.is_reached) return says("limit", `${since} · ${bound(told)}`, "none");
  if (isStopped) return says("stopped", since, "fetch");
  if (told.job !== null) return says(`job ${told.job.state}`, `${since} · ${fetching(view, told.job, told.first)}`, canAsk ? "stop" : "signIn");
  return says("stored", since, canAsk ? "none" : "signIn");
}

function going(view: View, aimMs: number): OlderWords {
  const { state, held } = view.older;
  const to = `Going to ${fullMoment(aimMs, view.interval)}`;
  if (state?.failure) return says("failed", `${to} · ${failed(state.failure)}`, "retry");
  const job = state?.told?.job ?? null;
  return says(`going ${job?.state ?? ""}`, `${to} · ${job === null ? `${count(held)} candles read so far` : fetching(view, job, state?.told?.first ?? null)}`, "stop");
}

function ended(view: View, { kind, aimMs, edgeMs }: JumpEnd): OlderWords {
  const { symbol, interval, older } = view;
  const [aim, edgeText] = [aimMs, edgeMs].map((ms) => fullMoment(ms, interval)) as [string, string];
  const canAsk = older.state?.canAsk ?? true;
  if (kind === "future") return says("end", `${aim} has not come yet. This is the newest candle.`, "none", true);
  if (kind === "beforeFirst") return says("end", `${symbol} begins on ${edgeText}: there is no candle of ${aim}.`, "none", true);
  if (kind === "limit") return says("end", `${aim} is not stored, and no more is fetched: ${bound(older.state?.told ?? null)}`, "none", true);
  if (kind === "tooFar") return { ...says("end", `${aim} is further back than the ${count(older.heldMax)} candles of ${interval} that this page holds.`, "longer", true), aimMs };
  return { ...says("end", `${aim} is not stored at ${interval}, only what follows on ${edgeText}.`, canAsk ? "fetchTo" : "signIn", true), aimMs };
}

function storedFrom({ interval, older }: View, { stored_from: storedMs }: HistoryAnswer) {
  const fromMs = storedMs ?? older.firstMs;
  return fromMs === null ? "Nothing is stored yet" : `Stored from ${fullMoment(fromMs, interval)}`;
}

function fetching({ interval, nowMs }: View, { state, from: fromMs, fetched, detail }: HistoryJob, firstMs: number | null) {
  if (state === "failed") return detail || "the last request brought nothing; it is asked again";
  const soFar = fetched === 0 ? "" : `, ${count(fetched)} so far`;
  const waits = state === "waiting" ? ` · ${detail || "waiting for its turn"}` : "";
  return `fetching older candles${soFar}, back to ${moment(Math.max(fromMs, firstMs ?? 0), interval, nowMs)}${waits}`;
}

function bound(told: HistoryAnswer | null) {
  const most = told === null ? "" : ` of ${count(told.limit.max)} candles a series`;
  return `the limit${most} is reached (the setting HISTORY_STORED_MAX).`;
}

function failed({ detail, retryInMs }: { readonly detail: string; readonly retryInMs: number }) {
  const seconds = Math.ceil(retryInMs / 1000);
  return `${detail} ${seconds > 0 ? `Trying again in ${seconds} s.` : "Trying again now."}`;
}

function says(kind: string, text: string, step: OlderStep, isEnd = false): OlderWords {
  return { kind, text, step, isEnd, aimMs: null };
}
