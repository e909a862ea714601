// The frame of what stands at the right of the chart, on phones below it: a title, a way out, and its body.
// Never here: what is in a panel, which one is open.
// Invariant: Escape and the button shut it; the focus goes back to what opens it (chartPage.ts).

import type { ComponentChildren, JSX } from "preact";
import { Icon } from "./icons.tsx";
import type { Page } from "./page.ts";

interface PanelProps {
  readonly page: Page;
  /** The panel's element is `#<name>-panel`. */
  readonly name: string;
  readonly title: string;
  /** Beside the title, quieter. */
  readonly note?: ComponentChildren;
  readonly isBusy?: boolean;
  readonly children: ComponentChildren;
}

export function Panel({ page, name, title, note, isBusy = false, children }: PanelProps): JSX.Element {
  const shut = () => {
    page.actions.open("none");
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    shut();
  };
  return (
    <aside id={`${name}-panel`} class="panel" aria-labelledby={`${name}-title`} aria-busy={isBusy} onKeyDown={pressed}>
      <header class="panel-head">
        <h2 id={`${name}-title`}>{title}</h2>
        <span class="panel-series">{note}</span>
        <button class="icon" type="button" title="Close" onClick={shut}><span class="sr">Close: {title}</span><Icon name="close" /></button>
      </header>
      <div class="panel-body">{children}</div>
    </aside>
  );
}
