// The time zone that the page tells times in: chosen in one place, heeded by every word that tells a time.
// Never here: the choice (state/preferences.ts), how a time is told (format.ts).
// Invariant: words follow it at once, candles never.

import { signal } from "@preact/signals";
import { UTC, type Zone } from "../candles/zone.ts";

export const shownZone = signal<Zone>(UTC);
