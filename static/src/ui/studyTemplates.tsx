// Study templates in the dialog of the studies: taken, kept under a name, and taken away.
// Never here: requests (net/studyTemplates.ts), which studies there are.
// Invariant: a template goes onto the chart whole, instead of what is there; a refusal is told in the server's words.

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { fetchBelow } from "../net/basePath.ts";
import { StudyTemplates as Templates, type StudyTemplate } from "../net/studyTemplates.ts";
import type { ChosenStudies } from "../state/chosenStudies.ts";
import { Icon } from "./icons.tsx";
import { mayWrite, type Page } from "./page.ts";
import { studyTitle } from "./studyWords.ts";

interface TemplatesProps {
  readonly page: Page;
  readonly studies: ChosenStudies;
}

/** As long as the server allows. */
const NAME_MAX = 60;

/** The server keeps them for whoever may write there; others have none. */
export function StudyTemplates(props: TemplatesProps): JSX.Element | null {
  return mayWrite(props.page.config) ? <Kept {...props} /> : null;
}

function Kept({ page: { announcer }, studies }: TemplatesProps): JSX.Element {
  const [found, name, problem] = [useSignal<readonly StudyTemplate[]>([]), useSignal(""), useSignal("")];
  const templates = useMemo(() => new Templates(fetchBelow, document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')!.content), []);
  const run = async (said: string, what: () => Promise<void>) => {
    try {
      await what();
      found.value = await templates.all();
      problem.value = "";
      if (said !== "") announcer.tell(said);
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    }
  };
  useEffect(() => void run("", async () => {}), []);
  const take = ({ name: taken, studies: list }: StudyTemplate) => {
    studies.replaceAll(list);
    announcer.tell(`${taken}: ${list.map(studyTitle).join(", ")}.`);
  };
  const save = (event: Event) => {
    event.preventDefault();
    const wanted = name.value.trim();
    const version = found.value.find((one) => one.name === wanted)?.version ?? 0;
    if (wanted !== "") void run(`Template ${wanted} saved.`, () => templates.save({ name: wanted, studies: studies.list.peek(), version }));
  };
  return (
    <section aria-label="Templates">
      <h3>Templates</h3>
      <ul class="study-list template-list">
        {found.value.map((template) => (
          <li key={template.name}>
            <button class="study-edit" type="button" title={template.studies.map(studyTitle).join(", ")} onClick={() => take(template)}>{template.name}</button>
            <button class="icon" type="button" title="Remove" aria-label={`Remove the template ${template.name}`} onClick={() => void run(`Template ${template.name} removed.`, () => templates.remove(template.name))}>
              <Icon name="close" />
            </button>
          </li>
        ))}
      </ul>
      <form class="template-save" onSubmit={save}>
        <input class="field" type="text" maxLength={NAME_MAX} aria-label="Name of a template" placeholder="Name" value={name.value} onInput={({ currentTarget }) => { name.value = currentTarget.value; }} />
        <button class="button is-edged" type="submit" disabled={studies.list.value.length === 0}>Save these studies</button>
      </form>
      {problem.value === "" ? null : <p class="dialog-note" role="alert">{problem.value}</p>}
    </section>
  );
}
