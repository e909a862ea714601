// A button that opens a menu: choices, switches and actions in groups, by pointer, keys and touch.
// Never here: what is in a menu, what choosing does.
// Invariant: one menu is open at a time; keys walk it, Escape closes it, and the focus goes back to its button.

import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "./icons.tsx";

export interface MenuItem {
  /** One of its group, on or off by itself, or something that is done. */
  readonly kind: "choice" | "switch" | "action";
  readonly label: string;
  readonly isOn?: boolean;
  /** The keys that do the same. */
  readonly keys?: string;
  /** What stands beside the label, quieter. */
  readonly note?: string;
  /** Stands before the label. */
  readonly mark?: JSX.Element;
  readonly onChoose: () => void;
}

export interface MenuGroup {
  readonly name: string;
  /** Where it shows: at all widths, or where there is no place for a button of its own. */
  readonly room?: "narrow" | "phone";
  readonly items: readonly MenuItem[];
}

interface MenuButtonProps {
  readonly id: string;
  /** What the button is called, for tips and readers. */
  readonly name: string;
  readonly className?: string;
  /** None while they are on their way. */
  readonly groups: () => readonly MenuGroup[];
  readonly onOpen?: () => void;
  /** What is seen on the button. */
  readonly children: ComponentChildren;
}

const ROLES = { choice: "menuitemradio", switch: "menuitemcheckbox", action: "menuitem" } as const;

/** Which way a key walks the menu. */
const STEPS: ReadonlyMap<string, (at: number, count: number) => number> = new Map([
  ["ArrowDown", (at: number, count: number) => (at + 1) % count],
  ["ArrowUp", (at: number, count: number) => (at + count - 1) % count],
  ["Home", () => 0],
  ["End", (_: number, count: number) => count - 1],
]);

export function MenuButton({ id, name, className = "icon", groups, onOpen, children }: MenuButtonProps): JSX.Element {
  const isOpen = useSignal(false);
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  const beforeToggle = (event: Event) => {
    if ((event as ToggleEvent).newState !== "open") return;
    place(menu.current!, button.current!);
    isOpen.value = true;
    onOpen?.();
  };
  const toggled = (event: Event) => {
    isOpen.value = (event as ToggleEvent).newState === "open";
    if (isOpen.value) enter(menu.current!);
  };
  const shown = isOpen.value ? groups() : [];
  useLayoutEffect(() => {
    if (shown.length > 0 && menu.current!.matches(":popover-open")) enter(menu.current!); // they came later than the menu opened
  }, [shown.length > 0]);
  const choose = ({ kind, onChoose }: MenuItem) => {
    if (kind !== "switch") menu.current!.hidePopover();
    onChoose();
  };
  return (
    <>
      <button
        id={id} class={`menu-button ${className}`} type="button" ref={button} popovertarget={`${id}-menu`} title={name}
        aria-label={name} aria-haspopup="menu" aria-expanded={isOpen.value}
      >{children}</button>
      <div
        id={`${id}-menu`} class="menu" popover="auto" role="menu" aria-label={name} ref={menu} onBeforeToggle={beforeToggle} onToggle={toggled}
        onKeyDown={(event) => walk(event, menu.current!)}
      >
        {shown.map((group) => <Group key={group.name} group={group} choose={choose} />)}
      </div>
    </>
  );
}

function Group({ group: { name, room, items }, choose }: { readonly group: MenuGroup; readonly choose: (item: MenuItem) => void }): JSX.Element {
  return (
    <div class={`menu-group ${room === undefined ? "" : `is-${room}`}`} role="group" aria-label={name}>
      <p class="menu-name" aria-hidden="true">{name}</p>
      {items.map((item) => (
        <button
          key={item.label} type="button" role={ROLES[item.kind]} tabIndex={-1} aria-checked={item.kind === "action" ? undefined : item.isOn === true}
          aria-keyshortcuts={item.keys} onClick={() => choose(item)}
        >
          <span class="menu-check">{item.isOn === true ? <Icon name="tick" /> : null}</span>
          {item.mark}<span class="menu-label">{item.label}</span>
          {item.note === undefined ? null : <span class="menu-note">{item.note}</span>}
          {item.keys === undefined ? null : <kbd aria-hidden="true">{item.keys}</kbd>}
        </button>
      ))}
    </div>
  );
}

/** Below its button, or above it, at the side where there is room; a phone's style sheet puts it below all. */
function place(menu: HTMLElement, button: HTMLElement) {
  const { left, right, top, bottom } = button.getBoundingClientRect();
  const isRight = (left + right) / 2 > innerWidth / 2;
  const isLow = top > innerHeight / 2;
  const inset = [isLow ? "auto" : `${bottom + 4}px`, isRight ? `${Math.max(8, innerWidth - right)}px` : "auto", isLow ? `${innerHeight - top + 4}px` : "auto", isRight ? "auto" : `${Math.max(8, left)}px`];
  menu.style.setProperty("--inset", inset.join(" "));
}

/** The focus goes to what is chosen, else to the first. */
function enter(menu: HTMLElement) {
  const items = itemsOf(menu);
  (items.find((item) => item.ariaChecked === "true" && item.role === ROLES.choice) ?? items[0])?.focus();
}

function walk(event: KeyboardEvent, menu: HTMLElement) {
  const items = itemsOf(menu);
  const at = items.indexOf(document.activeElement as HTMLElement);
  if (event.key === "Tab") menu.hidePopover();
  const letter = event.key.length === 1 && event.key !== " " ? event.key.toLowerCase() : null;
  const step = STEPS.get(event.key);
  const found = letter === null ? undefined : [...items.slice(at + 1), ...items].find((item) => item.textContent!.trim().toLowerCase().startsWith(letter));
  const next = step === undefined ? found : items[step(at, items.length)];
  if (event.metaKey || event.ctrlKey || event.altKey || next === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  next.focus();
}

/** The items that are seen, from the top down. */
function itemsOf(menu: HTMLElement): HTMLElement[] {
  return [...menu.querySelectorAll<HTMLElement>("[role^=menuitem]")].filter((item) => item.offsetParent !== null);
}
