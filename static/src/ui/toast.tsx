// What came of something that was asked for, said over the chart for a few seconds.
// Never here: what is said; readers hear it from the page's live region.
// Invariant: it moves nothing, and goes by itself.

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { Page } from "./page.ts";

const SHOWN_MS = 4_000;

export function Toast({ page: { announcer } }: { readonly page: Page }): JSX.Element | null {
  const text = announcer.told.value;
  useEffect(() => {
    if (text === "") return undefined;
    const timer = setTimeout(() => { announcer.told.value = ""; }, SHOWN_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return text === "" ? null : <p id="toast" class="toast" aria-hidden="true">{text}</p>;
}
