// What the page around a chart is drawn from: one signal a question, written by its session and its chart.
// Never here: words, the DOM, what follows from a value (components compute it).
// Invariant: a frame shows one instant: what the session says in between is shown with the next frame.

import { batch, computed, signal, type ReadonlySignal, type Signal } from "@preact/signals-core";
import type { Candle, CandleState } from "../candles/candle.ts";
import type { Gap } from "../candles/marks.ts";
import type { PanelName, SeriesName } from "./preferences.ts";
import type { ViewModel } from "./viewModel.ts";

/** The candle that the pointer or the keys are on; else the newest. */
export interface PointedCandle extends Candle {
  readonly state: CandleState;
  /** The exchange changed it after the close. */
  readonly isCorrected: boolean;
}

/** What opens over the page. */
export type DialogName = "zone" | "shortcuts" | "search" | "table";

/** A place of the time axis without a candle, and the gap that it lies in, if one is known. */
export interface PointedHole {
  readonly time: number;
  readonly gap: Gap | null;
}

/** Calls back once, with the next frame, or soon where none is drawn. */
export type NextFrame = (callback: () => void) => void;

/** What is open over and beside the charts: one of each for the whole page, whichever chart it is about. */
export class OpenParts {
  /** The dialog that is open, or null. */
  readonly dialog = signal<DialogName | null>(null);

  /** What is typed into the search. */
  readonly searchText = signal("");

  /** What stands at the right of the charts. */
  readonly panel = signal<PanelName>("none");
}

/** What components read of a chart, and what is open beside it. */
export interface ShownState extends OpenParts {
  readonly view: ReadonlySignal<ViewModel | null>;
  readonly precision: ReadonlySignal<number>;
  readonly isLive: ReadonlySignal<boolean>;
  readonly pointed: ReadonlySignal<PointedCandle | null>;
  readonly hole: ReadonlySignal<PointedHole | null>;
  readonly picked: ReadonlySignal<number | null>;
  readonly isAtNow: ReadonlySignal<boolean>;
  readonly message: Signal<string>;
  readonly absent: ReadonlySignal<SeriesName | null>;
  readonly shown: ReadonlySignal<SeriesName | null>;
  readonly closed: ReadonlySignal<Candle | null>;
}

export class PageState implements ShownState {
  /** What the session knows, and the decimals of the market's prices (-1: not known); null before any. */
  readonly view = signal<ViewModel | null>(null);
  readonly precision = signal(-1);

  /** Whether the price is that of this moment; while it is not, all that tells it is grey. */
  readonly isLive = computed(() => this.view.value?.isLive ?? false);

  /** The candle that the legend tells of; null where there is none. */
  readonly pointed = signal<PointedCandle | null>(null);

  /** Where the pointer or the keys are, if there is no candle: then `pointed` is null. */
  readonly hole = signal<PointedHole | null>(null);

  /** The open time of the candle that a link names or a reader has picked. */
  readonly picked = signal<number | null>(null);

  /** Whether the newest candle is in sight. */
  readonly isAtNow = signal(true);

  /** A sentence that stays until the next choice: a link that could not be followed. */
  readonly message = signal("");

  /** The market of the address, where it is not followed here: then nothing of another one is shown. */
  readonly absent = signal<SeriesName | null>(null);

  /** The series that the chart is about; null before any. */
  readonly shown = computed<SeriesName | null>(() => this.absent.value ?? this.view.value);

  /** An official candle that just took its place, for those who hear the page. */
  readonly closed = signal<Candle | null>(null);

  readonly dialog: OpenParts["dialog"];
  readonly searchText: OpenParts["searchText"];
  readonly panel: OpenParts["panel"];
  readonly #nextFrame: NextFrame;
  #latest: { readonly view: ViewModel; readonly precision: number } | null = null;
  #closed: Candle | null = null;

  /** `open` is the page's: the same for all of its charts. */
  constructor(nextFrame: NextFrame, { dialog, searchText, panel } = new OpenParts()) {
    this.#nextFrame = nextFrame;
    [this.dialog, this.searchText, this.panel] = [dialog, searchText, panel];
  }

  /** The address names a market that is not followed here; null: it is. */
  setAbsent(series: SeriesName | null) {
    batch(() => {
      this.absent.value = series;
      if (series !== null) this.view.value = this.pointed.value = null;
    });
  }

  /** Shows that state with the next frame. */
  render(view: ViewModel, precision: number) {
    const isAsked = this.#latest !== null;
    this.#latest = { view, precision };
    if (!isAsked) this.#nextFrame(() => this.#show());
  }

  /** An official candle took its place; told with the frame that shows it, so that its market's decimals are known. */
  onClosed(candle: Candle) {
    this.#closed = candle;
  }

  #show() {
    const [latest, closed] = [this.#latest, this.#closed];
    this.#latest = this.#closed = null;
    if (latest === null || this.absent.peek() !== null) return;
    batch(() => {
      this.view.value = latest.view;
      this.precision.value = latest.precision;
    });
    if (closed !== null) this.closed.value = closed;
  }
}
