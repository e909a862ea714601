// The colours that studies are drawn in: the page's own and the eight that a reader chooses from.
// Never here: colours themselves (css/series.css, css/tokens.css), which study has which.
// Invariant: those of the theme in force.

import { COLORS, type StudyColor } from "../../studies/study.ts";
import { tokens, tokensOf, type ThemeColors } from "../../ui/theme.ts";

export type StudyColors = ThemeColors & Readonly<Record<StudyColor, string>>;

export function studyColors(): StudyColors {
  return { ...tokens(), ...tokensOf(COLORS) };
}
