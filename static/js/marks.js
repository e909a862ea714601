// The small hollow dot above a candle that closed and still waits for its official version.
// Never here: which candles wait.
// Invariant: drawn in the pane's own coordinates, at every zoom and pixel ratio of the same size.

const RADIUS_PX = 3;
const ABOVE_PX = 9;
const LINE_PX = 1.25;

/** A series primitive of lightweight-charts. */
export class Dots {
  #attached = null;
  #candles = [];
  #color = "";

  attached(parameters) {
    this.#attached = parameters;
  }

  detached() {
    this.#attached = null;
  }

  /** Asks for a new frame only if a dot moves: with 100,000 bars each frame so asked for is dear. */
  set(candles) {
    const isSame = candles.length === this.#candles.length && candles.every((candle, i) => isAt(candle, this.#candles[i]));
    this.#candles = candles;
    if (!isSame) this.#attached?.requestUpdate();
  }

  restyle(color) {
    this.#color = color;
    this.#attached?.requestUpdate();
  }

  paneViews() {
    return [{ zOrder: () => "top", renderer: () => ({ draw: (target) => this.#draw(target) }) }];
  }

  #draw(target) {
    if (this.#attached === null) return;
    const { chart, series } = this.#attached;
    target.useMediaCoordinateSpace(({ context }) => {
      context.strokeStyle = this.#color;
      context.lineWidth = LINE_PX;
      for (const candle of this.#candles) {
        const x = chart.timeScale().timeToCoordinate(candle.time / 1000);
        const y = series.priceToCoordinate(candle.high);
        if (x === null || y === null) continue;
        context.beginPath();
        context.arc(x, y - ABOVE_PX, RADIUS_PX, 0, 2 * Math.PI);
        context.stroke();
      }
    });
  }
}

function isAt(a, b) {
  return a.time === b.time && a.high === b.high;
}
