// The drawing tools at the left of the charts, on phones in a row below them.
// Never here: what a tool draws (chart/drawings), which drawings there are.
// Invariant: one stop of the Tab key; arrows walk the tools; which one is in hand is said, not shown by colour alone.

import type { JSX } from "preact";
import type { DrawingKind } from "../../drawings/drawing.ts";
import type { DrawingDesk } from "../../state/drawingDesk.ts";
import { KIND_NAMES } from "../drawingWords.ts";
import type { Page } from "../page.ts";
import { ToolIcon, type ToolIconName } from "./toolIcons.tsx";

const KEYS: Partial<Readonly<Record<DrawingKind, string>>> = { trend: "Alt+T", horizontal: "Alt+H", vertical: "Alt+V", fibonacci: "Alt+F", measure: "Alt+M" };

const STEPS: ReadonlyMap<string, (at: number, count: number) => number> = new Map([
  ...["ArrowDown", "ArrowRight"].map((key) => [key, (at: number, count: number) => (at + 1) % count] as const),
  ...["ArrowUp", "ArrowLeft"].map((key) => [key, (at: number, count: number) => (at + count - 1) % count] as const),
  ["Home", () => 0],
  ["End", (_: number, count: number) => count - 1],
]);

interface RailProps {
  readonly page: Page;
  readonly desk: DrawingDesk;
}

interface ToolProps {
  readonly icon: ToolIconName;
  readonly name: string;
  /** What pressing does, where the name says what is so. */
  readonly tip?: string;
  readonly keys?: string | undefined;
  /** For what is on or off, or in hand or not. */
  readonly isOn?: boolean;
  readonly isDisabled?: boolean;
  readonly isFirst?: boolean;
  readonly id?: string;
  readonly onPress: () => void;
}

export function Rail({ page, desk }: RailProps): JSX.Element {
  const { preferences, actions, state } = page;
  const tool = desk.tool.value;
  const symbol = state.shown.value?.symbol ?? null;
  const market = symbol === null ? null : desk.of(symbol);
  const count = market?.list.value.length ?? 0;
  const areHidden = desk.areHidden.value;
  const take = (kind: DrawingKind) => () => {
    desk.take(tool === kind ? null : kind);
    if (desk.tool.peek() !== null) page.announcer.say(`${KIND_NAMES[kind]}: point at the chart, or press the arrow keys and Enter on it.`);
  };
  return (
    <aside class="rail" aria-label="Drawing">
      <div class="rail-tools" role="toolbar" aria-label="Drawing tools" aria-orientation="vertical" onKeyDown={(event) => walk(event, desk)}>
        <Tool icon="select" name="Select and move" isOn={tool === null} isFirst onPress={() => desk.take(null)} />
        {Object.keys(KIND_NAMES).map((kind) => (
          <Tool key={kind} id={`tool-${kind}`} icon={kind as DrawingKind} name={KIND_NAMES[kind as DrawingKind]} keys={KEYS[kind as DrawingKind]} isOn={tool === kind} onPress={take(kind as DrawingKind)} />
        ))}
        <hr />
        <Tool id="magnet" icon="magnet" name="Magnet: points snap to open, high, low and close" isOn={desk.hasMagnet.value} onPress={() => { desk.hasMagnet.value = !desk.hasMagnet.peek(); }} />
        <Tool icon="keep" name="Keep the tool in hand after a drawing" isOn={desk.isKept.value} onPress={() => { desk.isKept.value = !desk.isKept.peek(); }} />
        <Tool id="undo" icon="undo" name="Undo" keys="Ctrl+Z" isDisabled={market?.canUndo !== true} onPress={() => market?.undo()} />
        <Tool id="redo" icon="redo" name="Redo" keys="Ctrl+Shift+Z" isDisabled={market?.canRedo !== true} onPress={() => market?.redo()} />
        <Tool icon={areHidden ? "hide" : "show"} name="Hide all drawings" tip={areHidden ? "Show all drawings" : "Hide all drawings"} isOn={areHidden} onPress={() => { desk.areHidden.value = !areHidden; }} />
        <Tool id="drawings" icon="list" name={`List of drawings: ${count}`} isOn={state.panel.value === "drawings"} onPress={() => actions.open(state.panel.peek() === "drawings" ? "none" : "drawings")} />
        <Tool icon="fold" name="Put the tools away" keys="Alt+D" onPress={() => preferences.set("tools", false)} />
      </div>
    </aside>
  );
}

function Tool({ icon, name, tip = name, keys, isOn, isDisabled = false, isFirst = false, id, onPress }: ToolProps): JSX.Element {
  return (
    <button
      id={id} class="icon rail-tool" type="button" aria-label={name} title={keys === undefined ? tip : `${tip} (${keys})`} aria-pressed={isOn}
      aria-keyshortcuts={keys?.replace("Ctrl", "Control")} aria-disabled={isDisabled} tabIndex={isFirst ? 0 : -1} onClick={() => { if (!isDisabled) onPress(); }}
    ><ToolIcon name={icon} /></button>
  );
}

function walk(event: KeyboardEvent, desk: DrawingDesk) {
  if (event.key === "Escape") desk.take(null);
  const step = STEPS.get(event.key);
  const tools = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>(".rail-tool")];
  if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  tools[step(tools.indexOf(document.activeElement as HTMLElement), tools.length)]!.focus();
}
