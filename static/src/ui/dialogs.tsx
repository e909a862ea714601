// The dialogs that open over the page, each loaded when it is first wanted.
// Never here: what is in them (later.ts).
// Invariant: one is open at a time; whatever closes it, the focus goes back to where it was.

import { useSignalEffect } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "./icons.tsx";
import { later, wantLater } from "./laterOn.ts";
import type { Page } from "./page.ts";

export function Dialogs({ page }: { readonly page: Page }): JSX.Element | null {
  const { dialog } = page;
  useSignalEffect(() => {
    if (dialog.value !== null) wantLater(page, () => { dialog.value = null; });
  });
  if (dialog.value === null) return null;
  if (later.value === null) return <p class="toast is-late" role="status">Loading …</p>;
  const { CandleTable, ChartsDialog, MarketSearch, ShortcutList, StudyDialog, ZoneList } = later.value;
  const Shown = { charts: ChartsDialog, search: MarketSearch, shortcuts: ShortcutList, studies: StudyDialog, table: CandleTable, zone: ZoneList }[dialog.value];
  return <Shown page={page} />;
}

interface DialogProps {
  readonly page: Page;
  readonly id: string;
  readonly title: string;
  readonly children: ComponentChildren;
}

/** A dialog with a title and a way out; a click beside it is one too. */
export function Dialog({ page, id, title, children }: DialogProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const focused = document.activeElement as HTMLElement | null;
    dialog.current!.showModal();
    return () => focused?.focus();
  }, []);
  const isBegunBeside = useRef(false); // who drags out of a field has not clicked beside the dialog
  const close = () => { page.dialog.value = null; };
  const isBeside = ({ target }: Event) => target === dialog.current;
  return (
    <dialog
      id={id} class="dialog" aria-labelledby={`${id}-title`} ref={dialog} onClose={close} onPointerDown={(event) => { isBegunBeside.current = isBeside(event); }}
      onClick={(event) => { if (isBegunBeside.current && isBeside(event)) close(); }}
    >
      <div class="dialog-body">
        <header class="dialog-head">
          <h2 id={`${id}-title`}>{title}</h2>
          <button class="icon" type="button" title="Close" aria-label="Close" onClick={close}><Icon name="close" /></button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
