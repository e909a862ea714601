// The clock, the timers and the chance that the page runs by, so that tests can run it by theirs.
// Never here: the exchange's time (state/serverClock.ts).
// Invariant: runs evenly, whatever is done to the machine's clock while the page is open.

/** Times in ms since 1970 (UTC), of this machine. */
export interface Clock {
  readonly now: () => number;
  readonly random: () => number;
  readonly setTimeout: (callback: () => void, ms: number) => number;
  readonly clearTimeout: (timer: number | undefined) => void;
}

export const browserClock: Clock = Object.freeze({
  now: () => Math.round(performance.timeOrigin + performance.now()),
  random: () => Math.random(),
  setTimeout: (callback: () => void, ms: number) => setTimeout(callback, ms),
  clearTimeout: (timer: number | undefined) => clearTimeout(timer),
});
