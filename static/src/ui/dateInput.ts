// What a date field of the browser shows and gives back, as exchange ms and back, in any time zone.
// Never here: the field, which date or zone is wanted.
// Invariant: a text that names no moment gives null; whole days are the exchange's, of UTC.

import { DAY_MS } from "../candles/interval.ts";
import { UTC, type Zone } from "../candles/zone.ts";

const MINUTE_LENGTH = 16;
const DATE_LENGTH = 10;

/** "2026-11-01T14:00", of whole days "2026-11-01". */
export function dateText(ms: number, isDays: boolean, zone: Zone = UTC): string {
  return (isDays ? UTC : zone).wall(ms).toISOString().slice(0, isDays ? DATE_LENGTH : MINUTE_LENGTH);
}

/** The moment of such a text (with or without seconds), or null. */
export function dateMs(text: string, zone: Zone = UTC): number | null {
  const wallMs = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?)?$/.test(text) ? Date.parse(text.length > DATE_LENGTH ? `${text}Z` : text) : NaN;
  if (Number.isNaN(wallMs)) return null;
  const ms = text.length > DATE_LENGTH ? momentOf(wallMs, zone) : wallMs;
  return ms < 0 ? null : ms;
}

/** When the zone's clocks show that: the first time they do; what they leave out in spring is an hour on. */
function momentOf(wallMs: number, zone: Zone): number {
  const [before, after] = [wallMs - zone.offsetMs(wallMs - DAY_MS), wallMs - zone.offsetMs(wallMs + DAY_MS)];
  return zone.wall(before).getTime() !== wallMs && zone.wall(after).getTime() === wallMs ? after : before;
}
