// The reader's choices that the page itself wears: theme, colours, and the zone of its words.
// Never here: what the chart does by a choice (chartPage.ts), where choices are kept.
// Invariant: a choice is worn at once, and at the next visit from the first paint on.

import { parseZone } from "../candles/zone.ts";
import type { Preferences } from "../state/preferences.ts";
import { keepForPaint } from "./browserStore.ts";
import { shownZone } from "./shownZone.ts";
import { dress } from "./theme.ts";

export function wear(preferences: Preferences) {
  for (const key of ["theme", "colors"] as const) {
    preferences.of(key).subscribe(() => {
      dress(preferences.get("theme"), preferences.get("colors"));
      keepForPaint(preferences.all);
    });
  }
  preferences.of("zone").subscribe((choice) => { shownZone.value = parseZone(choice); });
}
