// What a date field of the browser shows and gives back, as exchange ms and back.
// Never here: the field, which date is wanted.
// Invariant: a text that names no moment gives null.

const MINUTE_LENGTH = 16;
const DATE_LENGTH = 10;

/** "2026-11-01T14:00", of whole days "2026-11-01", in UTC. */
export function dateText(ms: number, isDays: boolean): string {
  return new Date(ms).toISOString().slice(0, isDays ? DATE_LENGTH : MINUTE_LENGTH);
}

/** The moment of such a text (with or without seconds), or null. */
export function dateMs(text: string): number | null {
  const ms = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?)?$/.test(text) ? Date.parse(text.length > DATE_LENGTH ? `${text}Z` : text) : NaN;
  return Number.isNaN(ms) || ms < 0 ? null : ms;
}
