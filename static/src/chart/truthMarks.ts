// What is drawn of the truth of candles, loaded with the first of it: ticks, gap bands, candles as shown live, the picked one.
// Never here: which marks there are (truthLayer.ts), words.
// Invariant: gap bands and the picked line go through every pane, those of studies too.

import type { IChartApi, IPaneApi, Time } from "lightweight-charts";
import type { Gap } from "../candles/marks.ts";
import type { ShownCandle } from "../state/shownCandles.ts";
import type { ThemeColors } from "../ui/theme.ts";
import type { Bars } from "./bars.ts";
import type { BarWindow } from "./barWindow.ts";
import { CorrectionTicks } from "./correctionTicks.ts";
import { GapBands, bandsOf, type Band } from "./gapBands.ts";
import { PickedLine } from "./pickedLine.ts";
import { ShownCandles } from "./shownCandles.ts";

export interface MarksParts {
  readonly chart: IChartApi;
  readonly window: BarWindow;
  readonly history: Bars;
  readonly tail: Bars;
}

/** All that is to be drawn. */
export interface Marked {
  /** Open times, ascending. */
  readonly corrected: readonly number[];
  readonly gaps: readonly Gap[];
  readonly pickedMs: number | null;
  readonly shown: readonly ShownCandle[];
  readonly colors: ThemeColors;
}

interface Dress {
  readonly bands: GapBands;
  readonly line: PickedLine;
}

export class TruthMarks {
  readonly #parts: MarksParts;
  readonly #ticks: CorrectionTicks;
  readonly #shown = new ShownCandles();
  #dressed = new Map<IPaneApi<Time>, Dress>();
  #marked: Marked;

  constructor(parts: MarksParts, marked: Marked) {
    this.#parts = parts;
    this.#marked = marked;
    this.#ticks = new CorrectionTicks({ low: (timeMs) => parts.window.at(timeMs)?.low ?? null });
    parts.history.attach(this.#ticks);
    parts.history.attach(this.#shown);
    this.dress();
  }

  /** Panes may have come or gone: each has its bands and its part of the line. */
  dress() {
    this.#dressed = new Map(this.#parts.chart.panes().map((pane, at) => {
      const former = this.#dressed.get(pane);
      if (former !== undefined) return [pane, former];
      const dress = { bands: new GapBands(() => this.bands(), { hasLabels: at === 0 }), line: new PickedLine({ hasHead: at === 0 }) };
      pane.attachPrimitive(dress.bands);
      pane.attachPrimitive(dress.line);
      return [pane, dress];
    }));
    this.show(this.#marked);
  }

  show(marked: Marked) {
    const { corrected, pickedMs, shown, colors } = (this.#marked = marked);
    this.#ticks.set(corrected);
    this.#ticks.restyle(colors.accent);
    this.#shown.set(shown);
    this.#shown.restyle(colors);
    for (const { bands, line } of this.#dressed.values()) {
      bands.restyle(colors);
      line.set(pickedMs);
      line.restyle(colors.accent);
    }
  }

  /** The bands in sight, in pixels. */
  bands(): Band[] {
    const { chart, history: { points }, tail } = this.#parts;
    const [first, last] = [points[0], tail.points.at(-1) ?? points.at(-1)];
    return first === undefined || last === undefined ? [] : bandsOf(chart, this.#marked.gaps, first.time, last.time);
  }

  /** Where ticks are drawn, in pixels. */
  get ticks(): CorrectionTicks["tips"] {
    return this.#ticks.tips;
  }
}
