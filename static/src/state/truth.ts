// All that is asked about the truth of candles: both versions of a corrected one, how they were shown, the report.
// Never here: which candles are marked (candles/marks.ts), words, the DOM.
// Invariant: nothing is asked that nobody looks at; another series forgets all of the one before.

import type { Series } from "../candles/series.ts";
import type { Clock } from "../clock.ts";
import type { Api } from "../net/api.ts";
import type { DataUpdated, GapsTold } from "../net/socket.ts";
import { CorrectionDetails } from "./correctionDetails.ts";
import { ShownCandleLoader } from "./shownCandles.ts";
import { TruthReportLoader } from "./truthReport.ts";

interface TruthOptions {
  readonly api: Pick<Api, "audit" | "corrections" | "gaps">;
  readonly clock: Clock;
}

export class Truth {
  readonly details: CorrectionDetails;
  readonly shown: ShownCandleLoader;
  readonly report: TruthReportLoader;
  #series: Series | null = null;

  constructor(options: TruthOptions) {
    this.details = new CorrectionDetails(options);
    this.shown = new ShownCandleLoader(options);
    this.report = new TruthReportLoader(options);
  }

  open(series: Series) {
    this.#series = series;
    for (const part of [this.details, this.shown, this.report]) part.open(series);
  }

  /** Official candles of the series have come or changed. */
  dataUpdated({ symbol, interval, rows }: Pick<DataUpdated, "symbol" | "interval" | "rows">) {
    if (!this.#isOurs(symbol, interval)) return;
    const times = (rows ?? []).map((row) => row.time);
    this.details.renew(times);
    this.shown.renew(times[0] ?? 0);
    this.report.renew();
  }

  gapProven({ symbol, interval }: Pick<GapsTold, "symbol" | "interval">) {
    if (this.#isOurs(symbol, interval)) this.report.renew();
  }

  #isOurs(symbol: unknown, interval: unknown) {
    return symbol === this.#series?.symbol && interval === this.#series?.interval.name;
  }
}
