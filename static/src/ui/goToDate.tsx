// The way to a date: a button beside the corner of both axes, and a field for day and time. Alt+G opens it.
// Never here: how a date is reached (state/jump.ts), what is said on the way (olderLine.tsx).
// Invariant: the date is taken and told in the zone that the page shows.

import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { dateMs, dateText } from "./dateInput.ts";
import { isOfDays, zoneName } from "./format.ts";
import { Icon } from "./icons.tsx";
import type { Pane } from "./page.ts";
import { shownZone } from "./shownZone.ts";

/** Opens the field of a pane, or closes it. */
export function toggleDateSheet({ id }: Pick<Pane, "id">) {
  document.getElementById(id("date-sheet"))?.togglePopover();
}

export function GoToDate({ page: { state, actions, config, id } }: { readonly page: Pane }): JSX.Element {
  const sheet = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const isOpen = useSignal(false);
  const interval = useComputed(() => state.view.value?.interval ?? config.interval).value;
  const isDays = isOfDays(interval);
  const pressed = (event: KeyboardEvent) => { // the page's shortcuts rest while something is open
    if (event.code !== "KeyG" || !event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    sheet.current!.hidePopover();
  };

  const toggled = (event: Event) => {
    isOpen.value = (event as ToggleEvent).newState === "open";
    if (!isOpen.value) return;
    const nowMs = state.view.peek()?.nowMs ?? 0;
    field.current!.max = dateText(nowMs, isDays, shownZone.peek());
    field.current!.value = dateText(state.pointed.peek()?.time ?? nowMs, isDays, shownZone.peek());
    field.current!.focus();
  };
  const chosen = (event: Event) => {
    event.preventDefault();
    const ms = dateMs(field.current!.value, shownZone.peek());
    if (ms === null) return;
    sheet.current!.hidePopover();
    actions.goTo(ms);
    document.getElementById(id("plot"))?.focus({ preventScroll: true });
  };
  return (
    <>
      <button id={id("to-date")} class="to-date" type="button" title="Go to a date (Alt+G)" popovertarget={id("date-sheet")} aria-expanded={isOpen.value} aria-keyshortcuts="Alt+G">
        <span class="sr">Go to a date</span><Icon name="calendar" />
      </button>
      <div id={id("date-sheet")} class="date-sheet" popover="auto" role="dialog" aria-label="Go to a date" ref={sheet} onToggle={toggled} onKeyDown={pressed}>
        <form onSubmit={chosen} noValidate>
          <label for={id("date-field")}>{isDays ? "Go to the day" : `Go to date and time, ${zoneName(shownZone.value)}`}</label>
          <div class="date-row">
            <input id={id("date-field")} type={isDays ? "date" : "datetime-local"} step={interval === "1s" ? 1 : 60} required ref={field} />
            <button id={id("date-go")} class="button is-first" type="submit">Go</button>
          </div>
        </form>
      </div>
    </>
  );
}
