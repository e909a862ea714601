// The volume profile of what is in sight: bars from the right edge, at the prices that they are of.
// Never here: how volume is spread over prices (studies/volumeProfile.ts).
// Invariant: of the candles in sight alone, the forming one among them.

import type { Study } from "../../studies/study.ts";
import type { StudySet } from "../../studies/studySet.ts";
import { volumeProfile, type Profile } from "../../studies/volumeProfile.ts";
import { alpha } from "../../ui/theme.ts";
import { toMs } from "../chartTime.ts";
import type { DrawingTarget } from "../drawing.ts";
import type { StudyColors } from "./studyColors.ts";
import { StudyDrawing } from "./studyDrawing.ts";

/** The longest bar, as a part of the pane's width. */
const WIDTH_PART = 0.28;
const UP = 0.4;
const DOWN = 0.22;

export class ProfileBars extends StudyDrawing {
  constructor(study: Study, colors: StudyColors, set: StudySet) {
    super(study, colors, set, "bottom");
  }

  /** Of the candles in sight now; null where there are none. */
  get profile(): Profile | null {
    const range = this.hold?.chart.timeScale().getVisibleRange() ?? null;
    if (range === null) return null;
    const [from, to] = [this.set.indexOf(toMs(range.from)), this.set.indexOf(toMs(range.to) + 1)];
    return volumeProfile(this.set.candles, from, to, Number(this.study.inputs.rows));
  }

  protected override draw(target: DrawingTarget) {
    const [profile, series] = [this.profile, this.hold?.series];
    if (profile === null || series === undefined || profile.most < 0) return;
    const top = profile.rows[profile.most]!;
    target.useMediaCoordinateSpace(({ context, mediaSize: { width } }) => {
      const scale = (width * WIDTH_PART) / (top.up + top.down);
      const color = this.colors[this.study.style.color];
      profile.rows.forEach((row, i) => {
        const [foot, head] = [series.priceToCoordinate(row.low), series.priceToCoordinate(row.high)];
        if (foot === null || head === null) return;
        const [y, height] = [Math.min(foot, head), Math.max(1, Math.abs(foot - head) - 1)];
        context.fillStyle = alpha(color, UP);
        context.fillRect(width - row.up * scale, y, row.up * scale, height);
        context.fillStyle = alpha(color, DOWN);
        context.fillRect(width - (row.up + row.down) * scale, y, row.down * scale, height);
        if (i !== profile.most) return;
        context.strokeStyle = color;
        context.lineWidth = this.study.style.width;
        context.beginPath();
        context.moveTo(0, y + height / 2);
        context.lineTo(width, y + height / 2);
        context.stroke();
      });
    });
  }
}
