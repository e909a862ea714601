// The row of intervals in the bar; it scrolls, with the chosen one in sight.
// Never here: which intervals there are, what choosing one does.
// Invariant: the page itself never scrolls, and under a pointer nothing moves.

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { address, isPlainClick, type Page } from "./page.ts";

export function Intervals({ page, symbol, interval }: { readonly page: Page; readonly symbol: string; readonly interval: string }): JSX.Element {
  const row = useRef<HTMLElement>(null);
  useEffect(() => {
    const showActive = () => show(row.current!, row.current!.querySelector<HTMLElement>("[aria-current]"));
    showActive();
    const sizes = new ResizeObserver(showActive);
    sizes.observe(row.current!);
    return () => sizes.disconnect();
  }, [interval]);

  const focused = ({ target }: FocusEvent) => {
    if (target instanceof HTMLElement && target.matches(":focus-visible")) show(row.current!, target);
  };
  const chosen = (event: MouseEvent, name: string) => {
    if (!isPlainClick(event)) return;
    event.preventDefault();
    page.actions.go({ interval: name });
  };
  return (
    <nav class="intervals" aria-label="Interval" ref={row} onFocusIn={focused}>
      {page.config.intervals.map((name) => (
        <a
          key={name} href={address(symbol, name)} data-interval={name} aria-current={name === interval ? "true" : undefined}
          onClick={(event) => chosen(event, name)}
        >{name}</a>
      ))}
    </nav>
  );
}

/** Brings an interval into the middle of their row. */
function show(row: HTMLElement, link: HTMLElement | null) {
  if (link !== null) row.scrollLeft = link.offsetLeft - (row.clientWidth - link.offsetWidth) / 2;
}
