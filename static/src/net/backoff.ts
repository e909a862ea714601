// Pauses that double with every failure in a row, up to a longest one, for whoever tries again.
// Never here: what failed, timers, a clock, chance.
// Invariant: no pause is longer than its maximum, however many failures there were.

/** Every maximum is reached before; what is doubled more often only costs digits. */
const DOUBLINGS_MAX = 32;

/** The pause after so many failures in a row: `initialMs` after one, then twice that. */
export function ceiling(initialMs: number, maximumMs: number, failures: number): number {
  return Math.min(maximumMs, initialMs * 2 ** Math.min(Math.max(failures - 1, 0), DOUBLINGS_MAX));
}
