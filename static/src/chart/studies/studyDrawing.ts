// One study on the chart, whatever it looks like: a primitive of lightweight-charts with the study's colours.
// Never here: what it looks like (studyLines.ts, profileBars.ts), maths, which studies there are.
// Invariant: whatever of it changes asks for a frame.

import type { IPrimitivePaneView, ISeriesPrimitive, PrimitivePaneViewZOrder, SeriesAttachedParameter, Time } from "lightweight-charts";
import type { Study } from "../../studies/study.ts";
import type { StudySet } from "../../studies/studySet.ts";
import type { DrawingTarget } from "../drawing.ts";
import type { StudyColors } from "./studyColors.ts";

export abstract class StudyDrawing implements ISeriesPrimitive<Time> {
  /** All studies of its chart, with their values. */
  protected readonly set: StudySet;
  protected study: Study;
  protected colors: StudyColors;
  /** What it hangs on; null before and after. */
  protected hold: SeriesAttachedParameter<Time> | null = null;
  readonly #zOrder: PrimitivePaneViewZOrder;

  constructor(study: Study, colors: StudyColors, set: StudySet, zOrder: PrimitivePaneViewZOrder) {
    this.study = study;
    this.colors = colors;
    this.set = set;
    this.#zOrder = zOrder;
  }

  /** Within the axes of the pane, whenever the chart draws a frame. */
  protected abstract draw(target: DrawingTarget): void;

  attached(parameters: SeriesAttachedParameter<Time>) {
    this.hold = parameters;
  }

  detached() {
    this.hold = null;
  }

  update(study: Study = this.study, colors: StudyColors = this.colors) {
    this.study = study;
    this.colors = colors;
    this.hold?.requestUpdate();
  }

  paneViews(): readonly IPrimitivePaneView[] {
    return [{ zOrder: () => this.#zOrder, renderer: () => ({ draw: (target) => this.draw(target) }) }];
  }
}
