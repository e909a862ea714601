// The studies of one chart: over the candles, or each in a pane of its own below them.
// Never here: maths, which studies are chosen, legends (ui/studyLegend.tsx reads the values here).
// Invariant: what is drawn is the studies last chosen beside the candles last told; panes stand in their order.

import { OUTPUTS } from "../../studies/outputs.ts";
import { rulesOf, type Study } from "../../studies/study.ts";
import { StudySet } from "../../studies/studySet.ts";
import { studyValue } from "../../ui/studyWords.ts";
import { onChange } from "../../ui/theme.ts";
import type { ChartFace } from "../chartFace.ts";
import { toMs } from "../chartTime.ts";
import { ProfileBars } from "./profileBars.ts";
import type { StudyDrawing } from "./studyDrawing.ts";
import { StudyLines } from "./studyLines.ts";
import { StudyScale, type LastBar } from "./studyScale.ts";
import { studyColors, type StudyColors } from "./studyColors.ts";

/** Of a pane below the candles beside theirs. */
const STRETCH = 0.22;

/** Candles whose values are told. */
const TOLD = 400;

interface LayerParts {
  /** Decimals of the market's prices. */
  readonly precision: () => number;
  /** Values have changed. */
  readonly onChange: () => void;
  /** Where panes begin below the chart's top, in pixels, by their studies' ids. */
  readonly onTops: (tops: ReadonlyMap<string, number>) => void;
}

interface Drawn {
  readonly kind: Study["kind"];
  readonly drawing: StudyDrawing;
  readonly scale: StudyScale;
}

export class StudyLayer {
  readonly set: StudySet;
  readonly #face: ChartFace;
  readonly #parts: LayerParts;
  readonly #sizes = new ResizeObserver(() => this.#tellTops());
  #drawn = new Map<string, Drawn>();
  #over: StudyScale | null = null;
  #colors: StudyColors = studyColors();
  #last: LastBar | null = null;

  constructor(face: ChartFace, parts: LayerParts) {
    this.#face = face;
    this.#parts = parts;
    this.set = new StudySet({ now: () => performance.now(), soon: (work) => setTimeout(work), onChange: () => this.#changed() });
    this.set.set(face.official, face.live);
    face.onBars(({ kind }) => {
      if (kind === "live") this.set.setLive(face.official, face.live);
      else this.set.set(face.official, face.live);
      this.#stand();
    });
    face.onSight(() => this.#stand());
    onChange(() => this.#restyle());
    this.#stand();
  }

  /** The studies there are now, in order; hidden ones are worked out nowhere. */
  choose(studies: readonly Study[]) {
    const seen = studies.filter(({ hidden }) => hidden !== true);
    for (const [id, { kind }] of this.#drawn) if (!seen.some((study) => study.id === id && study.kind === kind)) this.#remove(id);
    for (const study of seen) {
      const drawn = this.#drawn.get(study.id);
      if (drawn === undefined) this.#add(study);
      else drawn.drawing.update(study);
    }
    this.set.choose(seen);
    this.#watchPanes();
  }

  /** Of each study: whether all is worked out, its values by open time from the newest candles, and the profile in sight. */
  told(studies: readonly Study[]) {
    return studies.map((study) => {
      const drawing = this.#drawn.get(study.id)?.drawing;
      const times = this.set.candles.slice(-TOLD).map(({ time }) => time);
      return {
        ...study, isDone: this.set.isDone, values: times.map((time) => [time, ...this.set.valuesAt(study, time)]),
        profile: drawing instanceof ProfileBars ? drawing.profile : null,
      };
    });
  }

  #add(study: Study) {
    const { api } = this.#face;
    const isBelow = rulesOf(study.kind).place === "below";
    const words = (value: number) => studyValue(value, OUTPUTS[study.kind].unit, this.#parts.precision());
    const scale = isBelow ? new StudyScale(api, api.panes().length, words) : (this.#over ??= new StudyScale(api, 0, null));
    if (isBelow) scale.series.getPane().setStretchFactor(STRETCH);
    const drawing = study.kind === "volume-profile" ? new ProfileBars(study, this.#colors, this.set) : new StudyLines(study, this.#colors, this.set, words);
    scale.stand(this.#last, false);
    scale.attach(drawing);
    this.#drawn.set(study.id, { kind: study.kind, drawing, scale });
  }

  #remove(id: string) {
    const { drawing, scale } = this.#drawn.get(id)!;
    scale.detach(drawing);
    this.#drawn.delete(id);
    if (!scale.isEmpty) return;
    scale.remove();
    if (scale === this.#over) this.#over = null;
  }

  /** On the last bar that the chart has now. */
  #stand() {
    const last = this.#lastBar();
    if (last?.time === this.#last?.time) return;
    const isNext = last !== null && this.#last !== null && this.set.indexOf(last.time) === this.set.indexOf(this.#last.time) + 1;
    this.#last = last;
    for (const scale of new Set([...this.#drawn.values()].map((one) => one.scale))) scale.stand(last, isNext);
  }

  /** What the axis stands on: the last bar that the library was given. */
  #lastBar(): LastBar | null {
    const point = this.#face.lastPoint;
    return point === null ? null : { time: toMs(point.time), close: point.value };
  }

  #restyle() {
    this.#colors = studyColors();
    for (const { drawing } of this.#drawn.values()) drawing.update(undefined, this.#colors);
  }

  #changed() {
    for (const { drawing } of this.#drawn.values()) drawing.update();
    this.#parts.onChange();
  }

  #watchPanes() {
    this.#sizes.disconnect();
    requestAnimationFrame(() => { // a pane's element is there once it has been drawn
      for (const pane of this.#face.api.panes()) {
        const element = pane.getHTMLElement();
        if (element !== null) this.#sizes.observe(element); // tells at once
      }
    });
  }

  #tellTops() {
    const below = [...this.#drawn].filter(([, { kind }]) => rulesOf(kind).place === "below");
    this.#parts.onTops(new Map(below.map(([id, { scale }]) => [id, scale.series.getPane().getHTMLElement()?.offsetTop ?? 0])));
  }
}
