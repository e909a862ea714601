// Says when an event that is traced was drawn; loaded when the first such event comes.
// Never here: which events are traced, sending (socket.ts).
// Invariant: at most one report a second; what was drawn too late to be measured, or by nobody, is not reported.

/** After so long this part itself was not there in time. */
const LATE_MS = 50;
const PAUSE_MS = 1_000;

/** What a page has of time and frames, for tests to replace. */
export interface Frames {
  readonly now: () => number;
  readonly isHidden: () => boolean;
  readonly nextFrame: (callback: () => void) => unknown;
  readonly nextTask: (callback: () => void) => unknown;
}

const page: Frames = {
  now: () => performance.now(),
  isHidden: () => document.hidden,
  nextFrame: (callback) => requestAnimationFrame(callback),
  nextTask: (callback) => setTimeout(callback),
};

let lastMs = -Infinity;

/** In the next frame the chart is given what the event has changed, in the one after that it is drawn; the task that
 * follows comes when that frame is done. */
export function reportDrawn(traceparent: string, heardMs: number, send: (traceparent: string, drawnMs: number) => void, frames: Frames = page) {
  const nowMs = frames.now();
  if (frames.isHidden() || nowMs - heardMs > LATE_MS || nowMs - lastMs < PAUSE_MS) return;
  lastMs = nowMs;
  frames.nextFrame(() => frames.nextFrame(() => frames.nextTask(() => send(traceparent, frames.now() - heardMs))));
}
