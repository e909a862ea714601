// The badge in the bar: how fresh the page is, as a shape and a word or two, and the sentence behind it.
// Never here: what the words are (freshness.ts), when they change, what is read out (announcer.ts).
// Invariant: told by shape and text, never by colour alone; the sentence goes when it is told to.

import type { ReadonlySignal } from "@preact/signals";
import { useSignal, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { JSX } from "preact";
import type { Said } from "./freshness.ts";

export function StatusBadge({ said }: { readonly said: ReadonlySignal<Said> }): JSX.Element {
  const isDismissed = useSignal(false);
  const place = useRef<HTMLSpanElement>(null);
  const recall = () => { isDismissed.value = false; };
  useSignalEffect(() => {
    const dismiss = (event: Event) => {
      const isKey = event instanceof KeyboardEvent;
      if (isKey ? event.key === "Escape" : !place.current!.contains(event.target as Node)) isDismissed.value = true;
    };
    document.addEventListener("keydown", dismiss);
    document.addEventListener("pointerdown", dismiss);
    return () => {
      document.removeEventListener("keydown", dismiss);
      document.removeEventListener("pointerdown", dismiss);
    };
  });
  const { tone, lead = "", text, more, detail } = said.value;
  return (
    <span class="pill-place" ref={place}>
      <button
        id="pill" class="pill" type="button" data-tone={tone} data-dismissed={isDismissed.value ? "" : undefined} aria-describedby="pill-tip"
        onPointerEnter={recall} onPointerDown={recall} onFocus={recall}
      >
        <span class="pill-shape" aria-hidden="true" /><span id="pill-text">{lead === "" ? null : <span class="pill-lead">{lead} </span>}{text}</span><span id="pill-more">{more}</span>
      </button>
      <span id="pill-tip" class="tip" role="tooltip">{detail}</span>
    </span>
  );
}
