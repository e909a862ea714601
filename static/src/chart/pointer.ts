// Whether the pointer has moved: a browser tells of a move too when what lay under a still pointer has gone.
// Never here: what a move means.
// Invariant: where the pointer is, is known from all of the page, not only from charts.

let [x, y] = [NaN, NaN];
let isStill = false;

/** Before anybody else hears of it: `mouseover` comes first of all that tell of one move. */
for (const name of ["mouseover", "mousemove"] as const) {
  document.addEventListener(name, ({ screenX, screenY }) => {
    isStill = screenX === x && screenY === y;
    [x, y] = [screenX, screenY];
  }, { capture: true, passive: true });
}

/** Whoever presses or touches means what is there. */
for (const name of ["mousedown", "touchstart", "touchmove"] as const) {
  document.addEventListener(name, () => { isStill = false; }, { capture: true, passive: true });
}

/** Whether the last that was heard of the pointer is that it is where it was. */
export function isPointerStill(): boolean {
  return isStill;
}
