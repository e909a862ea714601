// The line through the candle that a reader has picked, or that a link points at.
// Never here: which candle that is.
// Invariant: one candle at most.

import type { IPanePrimitive, IPanePrimitivePaneView, PaneAttachedParameter, Time } from "lightweight-charts";
import { toChartTime } from "./chartTime.ts";
import type { DrawingTarget } from "./drawing.ts";

const HEAD_PX = 5;

/** A pane primitive of lightweight-charts. */
export class PickedLine implements IPanePrimitive<Time> {
  readonly #hasHead: boolean;
  #attached: PaneAttachedParameter<Time> | null = null;
  #timeMs: number | null = null;
  #color = "";

  constructor({ hasHead }: { readonly hasHead: boolean }) {
    this.#hasHead = hasHead;
  }

  attached(parameters: PaneAttachedParameter<Time>) {
    this.#attached = parameters;
  }

  detached() {
    this.#attached = null;
  }

  set(timeMs: number | null) {
    this.#timeMs = timeMs;
    this.#attached?.requestUpdate();
  }

  restyle(color: string) {
    this.#color = color;
    this.#attached?.requestUpdate();
  }

  paneViews(): readonly IPanePrimitivePaneView[] {
    return [{ zOrder: () => "bottom", renderer: () => ({ draw: (target) => this.#draw(target) }) }];
  }

  #draw(target: DrawingTarget) {
    if (this.#timeMs === null || this.#attached === null) return;
    const x = this.#attached.chart.timeScale().timeToCoordinate(toChartTime(this.#timeMs));
    if (x === null) return;
    target.useMediaCoordinateSpace(({ context, mediaSize: { height } }) => {
      context.strokeStyle = context.fillStyle = this.#color;
      context.lineWidth = 1;
      context.setLineDash([4, 3]);
      context.beginPath();
      context.moveTo(Math.round(x) + 0.5, 0);
      context.lineTo(Math.round(x) + 0.5, height);
      context.stroke();
      context.setLineDash([]);
      if (!this.#hasHead) return;
      context.beginPath();
      context.moveTo(x - HEAD_PX, 0);
      context.lineTo(x + HEAD_PX, 0);
      context.lineTo(x, HEAD_PX + 2);
      context.fill();
    });
  }
}
