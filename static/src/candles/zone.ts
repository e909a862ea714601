// Time zones: what a clock on the wall shows at a moment, with daylight saving time as the zone has it.
// Never here: which zone is chosen, words for times; a candle's time, which is never shifted.
// Invariant: `wall` is for reading alone; the zone of that name decides, not the machine's.

import { DAY_MS, HOUR_MS, MINUTE_MS } from "./interval.ts";

/** No zone changes its clocks within less. */
const STEP_MS = 15 * MINUTE_MS;

/** Offsets that are remembered at most, of one zone. */
const KNOWN_MAX = 20_000;

export class Zone {
  /** "UTC", or the IANA name: "Europe/Berlin". */
  readonly name: string;
  readonly #format: Intl.DateTimeFormat | null;
  readonly #known = new Map<number, number>();
  #even = { fromMs: 1, toMs: 0, offsetMs: 0 }; // the last day asked about on which no clock was changed

  constructor(name: string) {
    this.name = name;
    this.#format = name === "UTC" ? null : new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset" });
  }

  /** How far its clocks are ahead of UTC at that moment. */
  offsetMs(ms: number): number {
    if (this.#format === null) return 0;
    if (ms >= this.#even.fromMs && ms < this.#even.toMs) return this.#even.offsetMs;
    const fromMs = Math.floor(ms / DAY_MS) * DAY_MS;
    const toMs = fromMs + DAY_MS;
    const offsetMs = this.#asked(fromMs);
    if (offsetMs !== this.#asked(toMs)) return this.#asked(Math.floor(ms / STEP_MS) * STEP_MS);
    this.#even = { fromMs, toMs, offsetMs };
    return offsetMs;
  }

  /** A date whose UTC fields (`getUTCHours` …) are what this zone's clocks and calendars show. */
  wall(ms: number): Date {
    return new Date(ms + this.offsetMs(ms));
  }

  /** "UTC", "UTC+2", "UTC−3:30": unlike CEST or IST it means one thing only. */
  label(ms: number): string {
    const offset = this.offsetMs(ms);
    if (offset === 0) return "UTC";
    const [hours, minutes] = [Math.floor(Math.abs(offset) / HOUR_MS), Math.floor((Math.abs(offset) % HOUR_MS) / MINUTE_MS)];
    return `UTC${offset < 0 ? "−" : "+"}${hours}${minutes === 0 ? "" : `:${String(minutes).padStart(2, "0")}`}`;
  }

  /** Whether both moments are of one day of this zone. */
  isSameDay(a: number, b: number): boolean {
    return Math.floor(this.wall(a).getTime() / DAY_MS) === Math.floor(this.wall(b).getTime() / DAY_MS);
  }

  #asked(ms: number): number {
    let offset = this.#known.get(ms);
    if (offset !== undefined) return offset;
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    offset = fromText(this.#format!.formatToParts(ms).find(({ type }) => type === "timeZoneName")?.value ?? "");
    this.#known.set(ms, offset);
    return offset;
  }
}

export const UTC = new Zone("UTC");

/** Whether this browser knows a zone of that name. */
export function isZoneName(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: name });
    return !/^[+-]/.test(name);
  } catch {
    return false;
  }
}

/** The zone of a choice: "UTC", "local" (where this browser is), or an IANA name; UTC for what is none. */
export function parseZone(choice: string): Zone {
  const name = choice === "local" ? localName() : choice;
  return name === "UTC" || !isZoneName(name) ? UTC : new Zone(name);
}

/** The name of the zone that this browser is in. */
export function localName(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

/** The ms of "GMT", "GMT+05:30", "GMT-00:25:21". */
function fromText(text: string): number {
  const found = /^GMT([+-])(\d\d?):?(\d\d)?:?(\d\d)?$/.exec(text.replace("\u2212", "-"));
  if (found === null) return 0;
  const [, sign, hours, minutes = "0", seconds = "0"] = found;
  return (sign === "-" ? -1 : 1) * (Number(hours) * HOUR_MS + Number(minutes) * MINUTE_MS + Number(seconds) * 1_000);
}
