// The dialog in which a time zone is chosen: UTC, where this browser is, or any that it knows, found by typing.
// Never here: what a zone is (candles/zone.ts), what the choice does.
// Invariant: what is typed filters by name and by distance from UTC; arrows walk what is left. A zone costs
// a millisecond or more to be looked into, and there are 420: only those that are looked at are.

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { UTC, Zone, localName } from "../candles/zone.ts";
import { Dialog } from "./dialogs.tsx";
import { clock, zoneName } from "./format.ts";
import type { Page } from "./page.ts";

/** One that can be chosen: the choice, the zone's name as the browser has it, and a word about it. */
interface Entry {
  readonly choice: string;
  readonly name: string;
  readonly note: string;
}

/** So many are shown at first, and so many more whenever their end is near. */
const SHOWN = 24;
const NEAR_PX = 300;

const STEPS: ReadonlyMap<string, number> = new Map([["ArrowDown", 1], ["ArrowUp", -1], ["PageDown", 8], ["PageUp", -8]]);

export function ZoneList({ page }: { readonly page: Page }): JSX.Element {
  const { preferences, dialog, state } = page;
  const nowMs = state.view.peek()?.nowMs ?? 0;
  const wanted = useSignal("");
  const count = useSignal(SHOWN);
  const field = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const chosen = preferences.of("zone").value;
  const found = entries(chosen).filter((entry) => matches(entry, wanted.value, nowMs));
  const shown = found.slice(0, count.value);
  useEffect(() => field.current!.focus(), []);

  const scrolled = ({ currentTarget: { scrollTop, scrollHeight, clientHeight } }: { readonly currentTarget: HTMLElement }) => {
    if (scrollHeight - scrollTop - clientHeight < NEAR_PX && count.value < found.length) count.value += SHOWN;
  };
  const choose = ({ choice, name }: Entry) => {
    const label = zoneOf(name).label(nowMs);
    preferences.set("zone", choice);
    dialog.value = null;
    page.announcer.tell(`Times are those of ${zoneName(zoneOf(name))}${name === label ? "" : `, ${label}`}.`);
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.key === "Enter" && event.target === field.current) {
      event.preventDefault();
      if (shown[0] !== undefined) choose(shown[0]);
    }
    const step = STEPS.get(event.key);
    const items = [...list.current!.querySelectorAll("button")];
    if (step === undefined || items.length === 0) return;
    event.preventDefault();
    const at = items.indexOf(document.activeElement as HTMLButtonElement) + step;
    if (at < 0) field.current!.focus();
    else items[Math.min(at, items.length - 1)]!.focus();
  };
  return (
    <Dialog page={page} id="zones" title="Time zone">
      <div class="zone-list" onKeyDown={pressed}>
        <input
          id="zones-filter" class="field" type="text" placeholder="City, region or UTC+2" aria-label="Search a time zone" autocomplete="off" spellcheck={false}
          ref={field} onInput={({ currentTarget }) => { wanted.value = currentTarget.value; count.value = SHOWN; }}
        />
        <ul ref={list} onScroll={scrolled}>
          {shown.map((entry) => (
            <li key={entry.choice}>
              <button type="button" data-zone={entry.choice} aria-current={entry.choice === chosen ? "true" : undefined} onClick={() => choose(entry)}>
                <span class="zone-name">{readable(entry.name)}{entry.note === "" ? null : <span class="zone-note"> {entry.note}</span>}</span>
                <span class="zone-offset figures">{zoneOf(entry.name).label(nowMs)}</span><span class="zone-time figures">{clock(nowMs, zoneOf(entry.name)).slice(0, 5)}</span>
              </button>
            </li>
          ))}
        </ul>
        <p class="dialog-note" role="status">{shown.length === 0 ? "No zone of that name is known to this browser." : "Only words change: candles open and close as the exchange has it, in UTC."}</p>
      </div>
    </Dialog>
  );
}

/** UTC, where this is, what is chosen, then all by name. */
function entries(chosen: string): Entry[] {
  const first: Entry[] = [{ choice: "UTC", name: "UTC", note: "the exchange's" }, { choice: "local", name: localName(), note: "where you are" }];
  if (chosen !== "UTC" && chosen !== "local") first.push({ choice: chosen, name: chosen, note: "chosen" });
  const others = Intl.supportedValuesOf("timeZone").filter((name) => name !== "UTC" && name !== chosen);
  return [...first, ...others.map((name) => ({ choice: name, name, note: "" }))];
}

function matches({ name, note }: Entry, wanted: string, nowMs: number): boolean {
  const text = `${readable(name)} ${note}`.toLowerCase();
  return wanted.toLowerCase().split(/[\s/]+/).filter(Boolean).every((word) => {
    if (text.includes(word)) return true;
    const offset = /^(?:utc|gmt)?([+\-−][\d:]+)$/.exec(word)?.[1]?.replace("-", "−");
    return offset !== undefined && zoneOf(name).label(nowMs) === `UTC${offset}`;
  });
}

const zones = new Map<string, Zone>();

/** Each is made once. */
function zoneOf(name: string): Zone {
  let zone = zones.get(name);
  if (zone === undefined) zones.set(name, (zone = name === "UTC" ? UTC : new Zone(name)));
  return zone;
}

function readable(name: string) {
  return name.replaceAll("_", " ").replaceAll("/", " / ");
}
