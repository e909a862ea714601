// Hangs the studies onto a pane's chart when they are first wanted.
// Never here: maths, drawing, components.
// Invariant: a chart's studies are those of its choices; what is none of them is put right there.

import { ChartFace } from "../chart/chartFace.ts";
import type { PaneParts } from "../chart/paneParts.ts";
import { StudyLayer } from "../chart/studies/studyLayer.ts";
import { ChosenStudies, type StudyStore } from "../state/chosenStudies.ts";

export interface PaneStudies {
  readonly chosen: ChosenStudies;
  /** For tests, and for people at the browser's console: of each study whether it is worked out, and its values. */
  readonly told: () => unknown;
}

export function hangStudies({ state, preferences, inside }: PaneParts): PaneStudies {
  const store: StudyStore = { list: preferences.of("studies"), write: (studies) => preferences.set("studies", studies) };
  const chosen = new ChosenStudies(store);
  const layer = new StudyLayer(new ChartFace(inside), {
    precision: () => state.precision.peek(),
    onChange: () => { chosen.revision.value += 1; },
    onTops: (tops) => { chosen.tops.value = tops; },
  });
  chosen.read((study, timeMs) => layer.set.valuesAt(study, timeMs));
  if (JSON.stringify(chosen.list.peek()) !== JSON.stringify(store.list.peek())) chosen.replaceAll(chosen.list.peek());
  chosen.list.subscribe((studies) => layer.choose(studies));
  return { chosen, told: () => layer.told(chosen.list.peek()) };
}
