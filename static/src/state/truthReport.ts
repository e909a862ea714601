// What the Truth panel tells of a series: how exact the live chart was, what was corrected, what is missing.
// Never here: words, single candles' details, when the panel is open (handed in).
// Invariant: nothing is asked while the panel is shut; one round of requests at a time, and a pause between two.

import { signal } from "@preact/signals-core";
import type { Series } from "../candles/series.ts";
import type { Clock } from "../clock.ts";
import type { Api } from "../net/api.ts";
import type { AuditSummary, Correction, GapFields } from "../net/protocol.ts";
import type { Audit } from "../net/truthAnswers.ts";

export interface TruthReport {
  readonly summary: AuditSummary | null;
  readonly worst: Audit["worst"];
  readonly sinceMs: number | null;
  /** Newest first. */
  readonly corrections: readonly Correction[];
  readonly gaps: readonly GapFields[];
}

export interface ReportState {
  readonly report: TruthReport | null;
  readonly isAsking: boolean;
  readonly problem: string;
}

/** Entries of each list. */
export const LISTED_MAX = 100;

/** Between two rounds while candles keep coming. */
const PAUSE_MS = 10_000;

const NOTHING: ReportState = { report: null, isAsking: false, problem: "" };

type TruthApi = Pick<Api, "audit" | "corrections" | "gaps">;

export class TruthReportLoader {
  readonly state = signal<ReportState>(NOTHING);
  readonly #api: TruthApi;
  readonly #clock: Clock;
  #series: Series | null = null;
  #isOpen = false;
  #isDue = true;
  #askedMs = -Infinity;
  #timer: number | undefined;
  #abort = new AbortController();

  constructor({ api, clock }: { readonly api: TruthApi; readonly clock: Clock }) {
    this.#api = api;
    this.#clock = clock;
  }

  /** Another series. */
  open(series: Series) {
    this.#abort.abort();
    this.#clock.clearTimeout(this.#timer);
    this.#series = series;
    this.#isDue = true;
    this.#askedMs = -Infinity;
    this.state.value = NOTHING;
    this.#look();
  }

  /** The panel is opened or shut. */
  show(isOpen: boolean) {
    this.#isOpen = isOpen;
    this.#look();
  }

  /** Something has changed on the server. */
  renew() {
    this.#isDue = true;
    this.#look();
  }

  /** Asks at once, after what went wrong. */
  retry() {
    this.#askedMs = -Infinity;
    this.renew();
  }

  #look() {
    if (!this.#isOpen || !this.#isDue || this.#series === null || this.state.peek().isAsking) return;
    this.#clock.clearTimeout(this.#timer);
    const waitMs = this.#askedMs + PAUSE_MS - this.#clock.now();
    if (waitMs > 0) this.#timer = this.#clock.setTimeout(() => this.#look(), waitMs);
    else void this.#ask(this.#series);
  }

  async #ask({ symbol, interval }: Series) {
    this.#abort = new AbortController();
    const { signal: abort } = this.#abort;
    this.#isDue = false;
    this.#askedMs = this.#clock.now();
    this.state.value = { ...this.state.peek(), isAsking: true };
    const query = { symbol, interval: interval.name, signal: abort };
    try {
      const [audit, corrections, gaps] = await Promise.all([
        this.#api.audit({ ...query, limit: 1, summary: true }),
        this.#api.corrections({ ...query, limit: LISTED_MAX }),
        this.#api.gaps({ ...query, limit: LISTED_MAX }),
      ]);
      if (abort.aborted) return;
      const { summary, worst, sinceMs } = audit;
      this.state.value = { report: { summary, worst, sinceMs, corrections, gaps }, isAsking: false, problem: "" };
    } catch (error) {
      if (abort.aborted) return;
      this.#isDue = true;
      this.state.value = { ...this.state.peek(), isAsking: false, problem: error instanceof Error ? error.message : String(error) };
    }
    this.#look();
  }
}
