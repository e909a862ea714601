// The intervals in the bar: as many as there is room for, and where that is not all of them a menu that has them all.
// Never here: which intervals there are, what choosing one does, what is in the menu (menuGroups.tsx).
// Invariant: the chosen interval is always in sight, in the row or on the menu's button; what is not seen is no stop of a key.

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "./icons.tsx";
import { MenuButton } from "./menuButton.tsx";
import { address, isPlainClick, type Page } from "./page.ts";
import { groupsOf } from "./readingMenus.tsx";

export function Intervals({ page, symbol, interval }: { readonly page: Page; readonly symbol: string; readonly interval: string }): JSX.Element {
  const { intervals } = page.config;
  const row = useRef<HTMLElement>(null);
  const count = useSignal(intervals.length); // so many are seen
  const measure = () => {
    const links = row.current!.querySelectorAll("a");
    count.value = [...links].filter((link) => link.offsetTop === links[0]!.offsetTop).length; // the others have wrapped
  };
  useLayoutEffect(measure); // the button takes room too: this goes on until all is as it was measured
  useEffect(() => {
    const sizes = new ResizeObserver(() => requestAnimationFrame(measure)); // what changes sizes must not be told of it at once
    sizes.observe(row.current!);
    return () => sizes.disconnect();
  }, []);

  const chosen = (event: MouseEvent, name: string) => {
    if (!isPlainClick(event)) return;
    event.preventDefault();
    page.actions.go({ interval: name });
  };
  const isBeyond = intervals.indexOf(interval) >= count.value;
  return (
    <>
      <nav class="intervals" aria-label="Interval" ref={row}>
        {intervals.map((name, at) => (
          <a
            key={name} href={address(symbol, name)} data-interval={name} aria-current={name === interval ? "true" : undefined}
            class={at < count.value ? "" : "is-beyond"} onClick={(event) => chosen(event, name)}
          >{name}</a>
        ))}
      </nav>
      {count.value < intervals.length ? (
        <MenuButton id="interval" name={isBeyond ? `Interval: ${interval}` : "All intervals"} className={isBeyond ? "tool is-chosen" : "tool"} {...groupsOf(page, "intervalGroups")}>
          {isBeyond ? interval : null}<Icon name="chevron" />
        </MenuButton>
      ) : null}
    </>
  );
}
