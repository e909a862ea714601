// The dialog of the studies: those on the chart, all that can be added, and templates; or the settings of one.
// Never here: what a study is made of (studies/), drawing.
// Invariant: what is chosen is on the chart at once; a number that may not be stays in its field, with what it may be.

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { ChosenStudies } from "../state/chosenStudies.ts";
import { KINDS, STUDIES_MAX, rulesOf, type Study, type StudyKind } from "../studies/study.ts";
import { Dialog } from "./dialogs.tsx";
import { Icon } from "./icons.tsx";
import type { Page } from "./page.ts";
import { EyeIcon } from "./studyIcons.tsx";
import { StudySettings } from "./studySettings.tsx";
import { StudyTemplates } from "./studyTemplates.tsx";
import { NAMES, isAbbreviated, studyTitle } from "./studyWords.ts";

interface PageProps {
  readonly page: Page;
}

interface StudiesProps extends PageProps {
  readonly studies: ChosenStudies;
}

/** What is meant most likely: the first field of the settings, or the first kind to add. */
const FIRST = "#studies :is(.study-settings input, .study-settings select, .study-add)";

const GROUPS = [["candles", "Add over the candles"], ["below", "Add below the candles"]] as const;

export function StudyDialog({ page }: PageProps): JSX.Element {
  const studies = page.state.studies.value;
  const edited = studies?.list.value.find(({ id }) => id === studies.edited.value);
  useEffect(() => () => { if (studies !== null) studies.edited.value = null; }, [studies]);
  useEffect(() => document.querySelector<HTMLElement>(FIRST)?.focus(), [studies, edited?.id]); // once the dialog is open
  if (studies === null) return <Dialog page={page} id="studies" title="Studies"><p class="dialog-note">Loading …</p></Dialog>;
  return (
    <Dialog page={page} id="studies" title={edited === undefined ? "Studies" : studyTitle(edited)}>
      {edited === undefined ? <StudyChoice page={page} studies={studies} /> : <StudySettings key={edited.id} page={page} studies={studies} study={edited} />}
    </Dialog>
  );
}

function StudyChoice({ page, studies }: StudiesProps): JSX.Element {
  const { announcer } = page;
  const list = studies.list.value;
  const add = (kind: StudyKind) => {
    const study = studies.add(kind);
    announcer.tell(study === null ? `No more than ${STUDIES_MAX} studies on one chart.` : `${studyTitle(study)} added.`);
  };
  return (
    <div class="study-choice">
      {list.length === 0 ? null : (
        <section aria-label="On this chart">
          <h3>On this chart</h3>
          <ul class="study-list">{list.map((study) => <li key={study.id}><Chosen page={page} studies={studies} study={study} /></li>)}</ul>
        </section>
      )}
      {GROUPS.map(([place, title]) => (
        <section key={place} aria-label={title}>
          <h3>{title}</h3>
          <ul class="study-kinds">
            {(Object.keys(KINDS) as StudyKind[]).filter((kind) => rulesOf(kind).place === place).map((kind) => (
              <li key={kind}><button class="study-add" type="button" data-kind={kind} disabled={studies.isFull} onClick={() => add(kind)}>{NAMES[kind][1]}{isAbbreviated(kind) ? <span class="study-short" aria-hidden="true">{NAMES[kind][0]}</span> : null}</button></li>
            ))}
          </ul>
        </section>
      ))}
      {studies.isFull ? <p class="dialog-note">{STUDIES_MAX} studies are as many as one chart takes.</p> : null}
      <StudyTemplates page={page} studies={studies} />
    </div>
  );
}

function Chosen({ page: { announcer }, studies, study }: StudiesProps & { readonly study: Study }): JSX.Element {
  const title = studyTitle(study);
  const isHidden = study.hidden === true;
  const remove = () => {
    studies.remove(study.id);
    announcer.tell(`${title} removed.`);
  };
  return (
    <>
      <button class="study-edit" type="button" data-color={study.style.color} onClick={() => { studies.edited.value = study.id; }}>
        <span class="study-swatch" aria-hidden="true" />{title}<span class="sr">: settings</span>
      </button>
      <button class="icon" type="button" title={isHidden ? "Show" : "Hide"} aria-label={`${isHidden ? "Show" : "Hide"} ${title}`} onClick={() => studies.change(study.id, { hidden: !isHidden })}>
        <EyeIcon isShut={isHidden} />
      </button>
      <button class="icon" type="button" title="Remove" aria-label={`Remove ${title}`} onClick={remove}><Icon name="close" /></button>
    </>
  );
}
