// The settings of one study: its inputs, colour and width.
// Never here: what an input may be (studies/study.ts).
// Invariant: every change that may be is on the chart at once; of any other it is said what may be.

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { ChosenStudies } from "../state/chosenStudies.ts";
import { COLORS, WIDTHS, fits, isNumberInput, rulesOf, usualInputs, type NumberInput, type Study } from "../studies/study.ts";
import type { Page } from "./page.ts";
import { choiceName, colorName, inputName } from "./studyWords.ts";

interface SettingsProps {
  readonly page: Page;
  readonly studies: ChosenStudies;
  readonly study: Study;
}

export function StudySettings({ page: { dialog }, studies, study }: SettingsProps): JSX.Element {
  const { id, kind, inputs, style } = study;
  const set = (name: string, value: number | string) => studies.change(id, { inputs: { ...inputs, [name]: value } });
  const submitted = (event: Event) => {
    event.preventDefault();
    dialog.value = null;
  };
  const round = useSignal(0);
  const asUsual = () => {
    studies.change(id, { inputs: usualInputs(kind) });
    round.value += 1; // what was typed wrong goes too
  };
  const remove = () => {
    studies.remove(id);
    studies.edited.value = null;
  };
  return (
    <form class="study-settings" onSubmit={submitted} noValidate>
      {Object.entries(rulesOf(kind).inputs).map(([name, input]) => (isNumberInput(input)
        ? <NumberField key={`${name} ${round.value}`} name={name} input={input} value={Number(inputs[name])} onSet={(value) => set(name, value)} />
        : (
          <label key={name} class="study-field">
            <span>{inputName(name)}</span>
            <select class="field" name={name} value={String(inputs[name])} onChange={({ currentTarget }) => set(name, currentTarget.value)}>
              {input.allowed.map((choice) => <option key={choice} value={choice}>{choiceName(choice)}</option>)}
            </select>
          </label>
        )))}
      <fieldset class="study-colors">
        <legend>Colour</legend>
        <div>
          {COLORS.map((color) => (
            <label key={color} title={colorName(color)} data-color={color}>
              <input type="radio" name="color" value={color} aria-label={colorName(color)} checked={style.color === color} onChange={() => studies.change(id, { style: { ...style, color } })} />
              <span class="study-swatch" aria-hidden="true" />
            </label>
          ))}
        </div>
      </fieldset>
      <label class="study-field">
        <span>Width</span>
        <select class="field" value={String(style.width)} onChange={({ currentTarget }) => studies.change(id, { style: { ...style, width: WIDTHS[currentTarget.selectedIndex]! } })}>
          {WIDTHS.map((width) => <option key={width} value={String(width)}>{width} px</option>)}
        </select>
      </label>
      <div class="study-actions">
        <button class="button is-edged" type="button" onClick={() => { studies.edited.value = null; }}>All studies</button>
        <button class="button is-edged" type="button" onClick={asUsual}>Defaults</button>
        <button class="button is-edged" type="button" onClick={remove}>Remove</button>
        <button class="button is-first" type="submit">Done</button>
      </div>
    </form>
  );
}

interface NumberFieldProps {
  readonly name: string;
  readonly input: NumberInput;
  readonly value: number;
  readonly onSet: (value: number) => void;
}

function NumberField({ name, input, value, onSet }: NumberFieldProps): JSX.Element {
  const wrong = useSignal<string | null>(null); // stays in the field, beside what is wrong with it
  const { least, most, decimals } = input;
  const problem = wrong.value === null ? "" : `${least} to ${most.toLocaleString("en-US")}${decimals === 0 ? ", a whole number" : `, at most ${decimals} decimals`}.`;
  const typed = (text: string) => {
    const number = text.trim() === "" ? NaN : Number(text);
    const isRight = fits(input, number);
    wrong.value = isRight ? null : text;
    if (isRight) onSet(number);
  };
  return (
    <label class="study-field">
      <span>{inputName(name)}</span>
      <input
        class="field figures" type="number" inputMode={decimals === 0 ? "numeric" : "decimal"} min={least} max={most} step={10 ** -decimals} value={wrong.value ?? value} name={name}
        aria-invalid={problem !== ""} aria-describedby={problem === "" ? undefined : `study-${name}-problem`} onInput={({ currentTarget }) => typed(currentTarget.value)}
      />
      {problem === "" ? null : <span class="study-problem" id={`study-${name}-problem`} role="alert">{problem}</span>}
    </label>
  );
}
