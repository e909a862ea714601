// What can be done with the drawing that is selected: colour, width, dashes, text, lock, hide, remove.
// Never here: how a drawing is moved, painted or kept.
// Invariant: it lies over the charts and moves none; what is locked can be unlocked here, and not removed.

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { COLORS, DASHES, TEXT_CHARS_MAX, WIDTHS, type Drawing, type Style } from "../../drawings/drawing.ts";
import type { DrawingDesk } from "../../state/drawingDesk.ts";
import { KIND_NAMES } from "../drawingWords.ts";
import { MenuButton, type MenuGroup } from "../menuButton.tsx";
import type { Page } from "../page.ts";
import { ToolIcon, type ToolIconName } from "./toolIcons.tsx";

const COLOR_NAMES: Readonly<Record<Style["color"], string>> = {
  accent: "Accent", text: "Text", muted: "Muted", green: "Green", red: "Red", blue: "Blue", orange: "Orange", warn: "Yellow",
};
const DASH_NAMES: Readonly<Record<Style["dash"], string>> = { solid: "Solid", dashed: "Dashed", dotted: "Dotted" };

interface StyleProps {
  readonly page: Page;
  readonly desk: DrawingDesk;
}

export function StyleBar({ page, desk }: StyleProps): JSX.Element | null {
  const drawing = desk.current;
  if (drawing === null) return null;
  const { style: { color, width, dash }, locked, hidden, kind } = drawing;
  return (
    <div class="style-bar" role="group" aria-label={`Selected: ${KIND_NAMES[kind]}`}>
      {desk.writing.value?.id === drawing.id ? <Writing key={drawing.id} desk={desk} drawing={drawing} /> : (
        <>
          <MenuButton id="drawing-color" name={`Colour: ${COLOR_NAMES[color]}`} groups={() => [colors(desk, color)]}><span class="ink" data-ink={color} /></MenuButton>
          <MenuButton id="drawing-width" name={`Width: ${width} px`} className="tool" groups={() => [widths(desk, width)]}><span class="figures">{width} px</span></MenuButton>
          <MenuButton id="drawing-dash" name={`Line: ${DASH_NAMES[dash]}`} className="tool" groups={() => [dashes(desk, dash)]}><span class="dash" data-dash={dash} /></MenuButton>
          <Step icon="write" name="Write text" onPress={() => { desk.writing.value = desk.selected.peek(); }} />
          <Step icon={locked ? "lock" : "unlock"} name="Locked" tip={locked ? "Unlock" : "Lock"} isOn={locked} onPress={() => desk.change({ locked: !locked })} />
          <Step icon={hidden ? "hide" : "show"} name="Hidden" tip={hidden ? "Show" : "Hide"} isOn={hidden} onPress={() => desk.change({ hidden: !hidden })} />
          <Step
            icon="remove" name={locked ? "Remove (unlock it first)" : "Remove"} isDisabled={locked} onPress={() => {
              desk.removeSelected();
              page.announcer.tell(`${KIND_NAMES[kind]} removed. Ctrl+Z brings it back.`);
            }}
          />
        </>
      )}
    </div>
  );
}

interface StepProps {
  readonly icon: ToolIconName;
  readonly name: string;
  /** What pressing does, where the name says what is so. */
  readonly tip?: string;
  readonly isOn?: boolean;
  readonly isDisabled?: boolean;
  readonly onPress: () => void;
}

function Step({ icon, name, tip = name, isOn, isDisabled = false, onPress }: StepProps): JSX.Element {
  return <button class="icon" type="button" aria-label={name} title={tip} aria-pressed={isOn} disabled={isDisabled} onClick={onPress}><ToolIcon name={icon} /></button>;
}

/** The text of a drawing, as it is written; the focus goes back to the chart. */
function Writing({ desk, drawing }: { readonly desk: DrawingDesk; readonly drawing: Drawing }): JSX.Element {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current!.select(), []);
  const end = (text: string | null) => {
    if (text !== null) desk.change({ text });
    desk.writing.value = null;
    document.querySelector<HTMLElement>(".plot")?.focus({ preventScroll: true });
  };
  const submit = (event: Event) => {
    event.preventDefault();
    end(field.current!.value.trim());
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.key === "Escape") end(null);
    event.stopPropagation();
  };
  return (
    <form class="writing" onSubmit={submit} onKeyDown={pressed}>
      <input ref={field} id="drawing-text" type="text" maxLength={TEXT_CHARS_MAX} defaultValue={drawing.text} aria-label={`Text of the ${KIND_NAMES[drawing.kind].toLowerCase()}`} placeholder="Text" autocomplete="off" />
      <button class="button is-first" type="submit">Save</button>
      <button class="button" type="button" onClick={() => end(null)}>Cancel</button>
    </form>
  );
}

function colors(desk: DrawingDesk, now: Style["color"]): MenuGroup {
  return {
    name: "Colour",
    items: COLORS.map((color) => ({
      kind: "choice", label: COLOR_NAMES[color], isOn: color === now, mark: <span class="ink" data-ink={color} aria-hidden="true" />, onChoose: () => desk.restyle({ color }),
    })),
  };
}

function widths(desk: DrawingDesk, now: Style["width"]): MenuGroup {
  return { name: "Width", items: WIDTHS.map((width) => ({ kind: "choice", label: `${width} px`, isOn: width === now, onChoose: () => desk.restyle({ width }) })) };
}

function dashes(desk: DrawingDesk, now: Style["dash"]): MenuGroup {
  return {
    name: "Line",
    items: DASHES.map((dash) => ({
      kind: "choice", label: DASH_NAMES[dash], isOn: dash === now, mark: <span class="dash" data-dash={dash} aria-hidden="true" />, onChoose: () => desk.restyle({ dash }),
    })),
  };
}
