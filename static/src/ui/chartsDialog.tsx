// The dialog of several charts: how many there are, what they have in common, and the layouts that have names.
// Never here: what any of it does (pane/grid.ts, state/layouts.ts), where layouts are kept.
// Invariant: what is chosen is done at once; only what throws a layout away is asked twice.

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Grid, LinkName } from "../state/gridState.ts";
import { GRIDS, LAYOUT_NAME_MAX, LINKS } from "../state/layout.ts";
import { Dialog } from "./dialogs.tsx";
import { Icon } from "./icons.tsx";
import { isPlainClick, layoutAddress, mayWrite, type Page, type Several } from "./page.ts";

const COUNT_WORDS: Readonly<Record<Grid, string>> = { 1: "One chart", 2: "Two charts", 3: "Three charts", 4: "Four charts" };
const LINK_WORDS: Readonly<Record<LinkName, string>> = { crosshair: "Crosshair", range: "Time in sight", symbol: "Market", interval: "Interval" };

/** The lines between the charts. */
const COUNT_LINES: Readonly<Record<Grid, string>> = { 1: "", 2: "M12 2v16", 3: "M12 2v16M12 10h10", 4: "M12 2v16M2 10h20" };

interface PartProps {
  readonly page: Page;
  readonly several: Several;
}

export function ChartsDialog({ page }: { readonly page: Page }): JSX.Element {
  const several = page.several.value;
  useEffect(() => page.wantSeveral(), []);
  useEffect(() => { void several?.layouts.refresh(); }, [several]);
  return (
    <Dialog page={page} id="charts-dialog" title="Charts and layouts">
      {several === null ? <p class="dialog-note" role="status">Loading …</p> : (
        <>
          <Counts page={page} several={several} />
          <Common page={page} several={several} />
          <Named page={page} several={several} />
        </>
      )}
    </Dialog>
  );
}

function Counts({ page, several }: PartProps): JSX.Element {
  const { count } = page.grid;
  return (
    <div class="counts" role="group" aria-label="How many charts">
      {GRIDS.map((one) => (
        <button key={one} class="button count" type="button" aria-pressed={count.value === one} onClick={() => several.setCount(one)}>
          <svg class="icon-drawing" viewBox="0 0 24 20" width="24" height="20" aria-hidden="true"><path d={`M2 2h20v16H2z${COUNT_LINES[one]}`} /></svg>
          <span>{one}</span><span class="sr">{COUNT_WORDS[one]}</span>
        </button>
      ))}
    </div>
  );
}

function Common({ page, several }: PartProps): JSX.Element | null {
  const { links, isSeveral } = page.grid;
  if (!isSeveral.value) return null;
  return (
    <section class="dialog-part">
      <h3>In common</h3>
      {LINKS.map((name) => (
        <button
          key={name} id={`link-${name}`} class="switch" type="button" role="switch" aria-checked={links.value[name]}
          onClick={() => several.link(name, !links.value[name])}
        ><span>{LINK_WORDS[name]}</span><i aria-hidden="true" /></button>
      ))}
    </section>
  );
}

/** The layouts that there are, and a name for what is on the page. */
function Named({ page, several: { layouts } }: PartProps): JSX.Element {
  const field = useRef<HTMLInputElement>(null);
  const list = layouts.list.value;
  const isKnown = (name: string) => list?.some((one) => one.name === name) === true;
  const save = async (event: Event) => {
    event.preventDefault();
    const name = field.current!.value.trim();
    if (name === "") return;
    const isNew = !isKnown(name);
    if (await layouts.save(name)) page.announcer.say(isNew ? `Layout ${name} saved.` : `Layout ${name} saved anew.`);
  };
  return (
    <section class="dialog-part">
      <h3>Layouts</h3>
      <form class="layout-save" onSubmit={save}>
        <input
          id="layout-name" class="field" type="text" maxLength={LAYOUT_NAME_MAX} placeholder="A name for these charts" aria-label="A name for these charts"
          autocomplete="off" ref={field} defaultValue={layouts.open.peek()}
        />
        <button id="layout-save" class="button is-first" type="submit">Save</button>
      </form>
      <p id="layout-problem" class="layout-problem" role="status">{layouts.problem.value}</p>
      {list === null ? null : <ul class="layouts">{list.map(({ name }) => <Row key={name} page={page} name={name} layouts={layouts} />)}</ul>}
      <p class="dialog-note">{list?.length === 0 ? "None yet. " : ""}{mayWrite(page.config) ? "Layouts are kept by the server, for you alone." : "Layouts are kept by this browser."}</p>
    </section>
  );
}

interface RowProps {
  readonly page: Page;
  readonly name: string;
  readonly layouts: Several["layouts"];
}

function Row({ page, name, layouts }: RowProps): JSX.Element {
  const mode = useSignal<"" | "rename" | "remove">("");
  const isCopied = useSignal(false);
  const field = useRef<HTMLInputElement>(null);
  const isOpen = layouts.open.value === name;
  const open = async (event: MouseEvent) => {
    if (!isPlainClick(event)) return;
    event.preventDefault();
    if (await layouts.show(name)) page.dialog.value = null;
  };
  const rename = async (event: Event) => {
    event.preventDefault();
    const to = field.current!.value.trim();
    if (to === "" || to === name) mode.value = "";
    else await layouts.rename(name, to);
  };
  const remove = async () => {
    if (await layouts.remove(name)) page.announcer.say(`Layout ${name} is gone.`);
  };
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(new URL(layoutAddress(name), location.href).href);
      isCopied.value = true;
      page.announcer.say("Link copied.");
    } catch {
      page.announcer.tell("The browser does not let the page copy; the layout's name is a link.");
    }
  };
  const stop = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || mode.value === "") return;
    event.preventDefault();
    event.stopPropagation();
    mode.value = "";
  };
  if (mode.value === "rename") {
    return (
      <li class="layout" onKeyDown={stop}>
        <form class="layout-save" onSubmit={rename}>
          <input class="field" type="text" maxLength={LAYOUT_NAME_MAX} aria-label={`Another name for ${name}`} defaultValue={name} ref={field} autofocus />
          <button class="button is-first" type="submit">Rename</button>
        </form>
      </li>
    );
  }
  if (mode.value === "remove") {
    return (
      <li class="layout" role="group" aria-label={`Remove ${name}?`} onKeyDown={stop}>
        <span class="layout-name">Remove {name}?</span>
        <button class="button" type="button" autofocus onClick={() => { mode.value = ""; }}>Keep it</button>
        <button class="button is-warning" type="button" onClick={remove}>Remove</button>
      </li>
    );
  }
  return (
    <li class="layout">
      <a class="layout-name" href={layoutAddress(name)} aria-current={isOpen ? "true" : undefined} onClick={open}>{name}</a>
      <button class="button is-quiet" type="button" title={`Copy the link to ${name}`} aria-label={`Copy the link to ${name}`} onClick={copy}><Icon name={isCopied.value ? "tick" : "link"} /></button>
      <button class="button is-quiet" type="button" aria-label={`Rename ${name}`} onClick={() => { mode.value = "rename"; }}>Rename</button>
      <button class="button is-quiet" type="button" aria-label={`Remove ${name}`} onClick={() => { mode.value = "remove"; }}>Remove</button>
    </li>
  );
}
