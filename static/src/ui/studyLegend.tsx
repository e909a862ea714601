// What the studies say at the candle that is pointed at: rows below the legend, and one at the top of each study's pane.
// Never here: values themselves (chart/studies), settings (studyDialog.tsx).
// Invariant: a row tells its own study's values, each in the colour of its line, at the legend's candle or nowhere.

import type { JSX } from "preact";
import type { ChosenStudies } from "../state/chosenStudies.ts";
import { OUTPUTS, type Output } from "../studies/outputs.ts";
import { COLORS, rulesOf, type Study } from "../studies/study.ts";
import { Icon } from "./icons.tsx";
import type { Pane } from "./page.ts";
import { EyeIcon } from "./studyIcons.tsx";
import { studyTitle, studyValue, whyEmpty } from "./studyWords.ts";

interface PaneProps {
  readonly page: Pane;
}

interface RowProps extends PaneProps {
  readonly studies: ChosenStudies;
  readonly study: Study;
}

/** Those over the candles, and what is hidden. */
export function StudyRows({ page }: PaneProps): JSX.Element | null {
  const studies = page.state.studies.value!;
  const rows = studies.list.value.filter((study) => rulesOf(study.kind).place === "candles" || study.hidden === true);
  if (rows.length === 0) return null;
  return <ul class="study-rows" aria-label="Studies on the candles">{rows.map((study) => <li key={study.id}><Row page={page} studies={studies} study={study} /></li>)}</ul>;
}

/** Those in panes of their own, each where its pane begins. */
export function StudyPaneRows({ page }: PaneProps): JSX.Element | null {
  const studies = page.state.studies.value!;
  const tops = studies.tops.value;
  const rows = studies.list.value.filter(({ id, hidden }) => hidden !== true && tops.has(id));
  if (rows.length === 0) return null;
  return (
    <ul class="study-panes" aria-label="Studies below the candles">
      {rows.map((study) => <li key={study.id} style={{ top: `${tops.get(study.id)! + 4}px` }}><Row page={page} studies={studies} study={study} /></li>)}
    </ul>
  );
}

/** The same in words, for those who move by keys and hear it; "" where there is none. */
export function studiesSpoken({ state }: Pane): string {
  const [studies, time, precision] = [state.studies.peek(), state.pointed.peek()?.time ?? null, state.precision.peek()];
  return (studies?.list.peek() ?? []).flatMap((study) => {
    const why = study.hidden === true ? "" : whyEmpty(state.view.peek()?.interval ?? "", study);
    if (why !== "") return [`. ${studyTitle(study)}: ${why}`];
    const { lines, unit } = OUTPUTS[study.kind];
    const told = studies!.valuesAt(study, time).flatMap((value, i) => (value === null ? [] : [`${lines.length > 1 ? `${lines[i]!.name} ` : ""}${studyValue(value, unit, precision)}`]));
    return told.length === 0 ? [] : [`. ${studyTitle(study)}: ${told.join(", ")}`];
  }).join("");
}

function Row({ page, studies, study }: RowProps): JSX.Element {
  const title = studyTitle(study);
  const edit = () => {
    studies.edited.value = study.id;
    page.dialog.value = "studies";
  };
  const isHidden = study.hidden === true;
  const why = isHidden ? "hidden" : whyEmpty(page.state.view.value?.interval ?? "", study);
  return (
    <div class="study-row" data-study={study.id} data-hidden={isHidden ? "" : undefined}>
      <button class="study-name" type="button" title={`Settings of ${title}`} data-color={study.style.color} onClick={edit}>
        <span class="study-swatch" aria-hidden="true" />{title}
      </button>
      {why !== "" ? <span class="study-hidden">{why}</span> : <Values page={page} studies={studies} study={study} />}
      <button class="study-tool" type="button" aria-label={`${isHidden ? "Show" : "Hide"} ${title}`} title={isHidden ? "Show" : "Hide"} onClick={() => studies.change(study.id, { hidden: !isHidden })}>
        <EyeIcon isShut={isHidden} />
      </button>
      <button class="study-tool" type="button" aria-label={`Remove ${title}`} title="Remove" onClick={() => studies.remove(study.id)}><Icon name="close" /></button>
    </div>
  );
}

function Values({ page: { state }, studies, study }: RowProps): JSX.Element {
  const { lines, unit } = OUTPUTS[study.kind];
  const precision = state.precision.value;
  const values = studies.valuesAt(study, state.pointed.value?.time ?? null);
  return (
    <span class="study-values">
      {lines.map((output, i) => {
        const value = values[i] ?? null;
        if (value === null && isOneSided(output)) return null;
        return (
          <span key={output.name} data-output={output.name} data-color={colorOf(study, output, value)}>
            {lines.length > 1 ? <span class="sr">{output.name} </span> : null}{studyValue(value, unit, precision)}{" "}
          </span>
        );
      })}
    </span>
  );
}

/** Of two lines that take turns, one has no value. */
function isOneSided({ shade }: Output) {
  return shade === "up" || shade === "down";
}

function colorOf({ style }: Study, { shade }: Output, value: number | null): string {
  if (shade === "both") return value !== null && value < 0 ? "down" : "up";
  return typeof shade === "string" ? shade : COLORS[(COLORS.indexOf(style.color) + shade) % COLORS.length]!;
}
