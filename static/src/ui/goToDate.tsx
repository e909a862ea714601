// The way to a date: a button beside the corner of both axes, which opens a field for day and time. Alt+G does too.
// Never here: the field (dateSheet.tsx, loaded when it is first wanted).
// Invariant: the button says whether the field is open.

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { Icon } from "./icons.tsx";
import { later, wantLater } from "./laterOn.ts";
import type { Pane } from "./page.ts";

/** Opens the field of a pane, or closes it. */
export function toggleDateSheet({ id }: Pick<Pane, "id">) {
  const sheet = document.getElementById(id("date-sheet"));
  if (sheet !== null) sheet.togglePopover();
  else document.getElementById(id("to-date"))?.click();
}

export function GoToDate({ page }: { readonly page: Pane }): JSX.Element {
  const { id } = page;
  const [isWanted, isOpen] = [useSignal(false), useSignal(false)];
  const Sheet = isWanted.value ? later.value?.DateSheet : undefined;
  const want = () => {
    isWanted.value = true;
    wantLater(page, () => { isWanted.value = false; });
  };
  return (
    <>
      <button
        id={id("to-date")} class="to-date" type="button" title="Go to a date (Alt+G)" aria-expanded={isOpen.value} aria-keyshortcuts="Alt+G"
        popovertarget={Sheet === undefined ? undefined : id("date-sheet")} onClick={want}
      >
        <span class="sr">Go to a date</span><Icon name="calendar" />
      </button>
      {Sheet === undefined ? null : <Sheet page={page} isOpen={isOpen} />}
    </>
  );
}
