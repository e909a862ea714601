// What can be taken out of the page: a picture of the chart, the candles in sight as CSV, one candle as text.
// Never here: how each is made (later.ts brings it when it is first wanted).
// Invariant: whatever comes of it is said, in the window and to readers.

import type { Candle, CandleState } from "../candles/candle.ts";
import type { PointedCandle } from "../state/pageState.ts";
import type { ViewModel } from "../state/viewModel.ts";

/** What is there to be taken out. */
export interface TakenFrom {
  readonly view: () => ViewModel | null;
  readonly picture: () => HTMLCanvasElement;
  /** All candles as drawn, and the open times at both ends of those in sight. */
  readonly bars: () => readonly (Candle & { readonly state: CandleState })[];
  readonly visibleMs: () => { readonly from: number; readonly to: number } | null;
  readonly pointed: () => PointedCandle | null;
  readonly precision: () => number;
  readonly base: () => string;
  readonly say: (text: string) => void;
}

export class TakingOut {
  readonly #from: TakenFrom;

  constructor(from: TakenFrom) {
    this.#from = from;
  }

  /** The chart as a PNG. */
  picture(): Promise<void> {
    return this.#do(async () => (await import("./later.ts")).savePicture(this.#from));
  }

  /** The candles in sight as CSV. */
  table(): Promise<void> {
    return this.#do(async () => (await import("./later.ts")).saveTable(this.#from));
  }

  /** The candle that is pointed at, or the newest, as text. */
  copy(): Promise<void> {
    return this.#do(async () => (await import("./later.ts")).copyCandle(this.#from));
  }

  async #do(work: () => Promise<string>) {
    try {
      this.#from.say(await work());
    } catch (error) {
      this.#from.say(`That did not work: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
