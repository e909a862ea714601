// The button that copies the link to one candle, and says whether it could.
// Never here: the address, the clipboard.
// Invariant: what it says is of the candle that it was pressed for.

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { Icon } from "./icons.tsx";
import type { Page } from "./page.ts";

interface CopyLinkProps {
  readonly page: Page;
  readonly openMs: number;
  /** Which candle, for those who don't see where the button stands. */
  readonly of: string;
  /** Without words beside the drawing, where many stand below each other. */
  readonly isSmall?: boolean;
}

export function CopyLink({ page: { actions, announcer }, openMs, of, isSmall = false }: CopyLinkProps): JSX.Element {
  const done = useSignal<{ readonly openMs: number; readonly isCopied: boolean } | null>(null);
  const copy = async () => {
    const isCopied = await actions.copyLink(openMs);
    done.value = { openMs, isCopied };
    announcer.say(isCopied ? "Link copied." : "The link stands in the address bar.");
  };
  const said = done.value?.openMs === openMs ? (done.value.isCopied ? "Copied" : "In the address bar") : null;
  const label = `${said ?? "Copy link"}: ${of}`;
  return (
    <button class={`copy-link${isSmall ? " is-small" : ""}`} type="button" title={label} aria-label={label} data-done={said === null ? undefined : ""} onClick={copy}>
      <Icon name={said === null ? "link" : "tick"} />{isSmall ? null : <span>{said ?? "Copy link"}</span>}
    </button>
  );
}
