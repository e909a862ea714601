import assert from "node:assert/strict";
import { test } from "node:test";

import { PageState } from "../../static/src/state/pageState.ts";

const CANDLE = { time: 0, open: 1, high: 2, low: 0.5, close: 1.5, volume: 3 };

function framed() {
  const frames = [];
  const state = new PageState((callback) => frames.push(callback));
  return { state, draw: () => frames.splice(0).forEach((frame) => frame()) };
}

test("what is said between two frames is shown once, as it was said last", () => {
  const { state, draw } = framed();
  const seen = [];
  state.view.subscribe((view) => { seen.push(view); });
  state.render({ price: 1 }, 2);
  state.render({ price: 2 }, 3);
  draw();
  assert.deepEqual(seen, [null, { price: 2 }]);
  assert.equal(state.precision.value, 3);
});

test("a candle that closed is told once its market's decimals are known, and told once", () => {
  const { state, draw } = framed();
  const told = [];
  state.closed.subscribe((candle) => { if (candle !== null) told.push([candle.time, state.precision.peek()]); });
  state.render({ price: 1 }, 2);
  state.onClosed(CANDLE);
  assert.deepEqual(told, []);
  draw();
  state.render({ price: 1 }, 2);
  draw();
  assert.deepEqual(told, [[0, 2]]);
});
