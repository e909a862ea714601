// The dialog in which a time zone is chosen: UTC, where this browser is, or any that it knows, found by typing.
// Never here: what a zone is (candles/zone.ts), what the choice does.
// Invariant: what is typed filters by name and by distance from UTC; arrows walk what is left.

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { localName, parseZone } from "../candles/zone.ts";
import { Dialog } from "./dialogs.tsx";
import { clock, zoneName } from "./format.ts";
import type { Page } from "./page.ts";

/** One that can be chosen: the choice, its name in full, and what it is searched by. */
interface Entry {
  readonly choice: string;
  readonly name: string;
  readonly note: string;
  readonly label: string;
  readonly time: string;
}

const STEPS: ReadonlyMap<string, number> = new Map([["ArrowDown", 1], ["ArrowUp", -1], ["PageDown", 8], ["PageUp", -8]]);

export function ZoneList({ page }: { readonly page: Page }): JSX.Element {
  const { preferences, dialog, state } = page;
  const nowMs = state.view.peek()?.nowMs ?? 0;
  const all = useRef<Entry[]>([]);
  if (all.current.length === 0) all.current = entries(nowMs);
  const wanted = useSignal("");
  const field = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const chosen = preferences.of("zone").value;
  const shown = all.current.filter((entry) => matches(entry, wanted.value));
  useEffect(() => {
    field.current!.focus();
    list.current!.querySelector("[aria-current]")?.scrollIntoView({ block: "center" });
  }, []);

  const choose = ({ choice, label }: Entry) => {
    preferences.set("zone", choice);
    dialog.value = null;
    page.announcer.tell(`Times are those of ${zoneName(parseZone(choice))}${label === "UTC" && choice === "UTC" ? "" : `, ${label}`}.`);
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
          ref={field} onInput={({ currentTarget }) => { wanted.value = currentTarget.value; }}
        />
        <ul ref={list}>
          {shown.map((entry) => (
            <li key={entry.choice}>
              <button type="button" data-zone={entry.choice} aria-current={entry.choice === chosen ? "true" : undefined} onClick={() => choose(entry)}>
                <span class="zone-name">{entry.name}{entry.note === "" ? null : <span class="zone-note"> {entry.note}</span>}</span>
                <span class="zone-offset figures">{entry.label}</span><span class="zone-time figures">{entry.time}</span>
              </button>
            </li>
          ))}
        </ul>
        <p class="dialog-note" role="status">{shown.length === 0 ? "No zone of that name is known to this browser." : "Only words change: candles open and close as the exchange has it, in UTC."}</p>
      </div>
    </Dialog>
  );
}

function entries(nowMs: number): Entry[] {
  const entry = (choice: string, name: string, note = ""): Entry => {
    const zone = parseZone(choice);
    return { choice, name, note, label: zone.label(nowMs), time: clock(nowMs, zone).slice(0, 5) };
  };
  const local = readable(localName());
  return [entry("UTC", "UTC", "the exchange's"), entry("local", local, "where you are"), ...Intl.supportedValuesOf("timeZone").filter((name) => name !== "UTC").map((name) => entry(name, readable(name)))];
}

function matches({ name, note, label }: Entry, wanted: string) {
  const words = wanted.toLowerCase().replace("-", "−").split(/[\s/]+/).filter(Boolean);
  const text = `${name} ${note} ${label}`.toLowerCase();
  return words.every((word) => text.includes(word) || text.replaceAll("−", "-").includes(word));
}

function readable(name: string) {
  return name.replaceAll("_", " ").replaceAll("/", " / ");
}
