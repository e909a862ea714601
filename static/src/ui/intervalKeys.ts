// Which interval is meant by what is typed: "5", "15", "240", "4h", "1D".
// Never here: keys, time, the page.
// Invariant: only an interval that is offered is ever meant; a number alone is minutes.

const MINUTES: Readonly<Record<string, number>> = { m: 1, h: 60, d: 1_440, w: 10_080 };

/** What may stand so far: some digits, then perhaps a unit. */
const TYPED = /^[1-9]\d{0,4}[a-zA-Z]?$/;

/** Whether that may become an interval. */
export function isIntervalStart(text: string): boolean {
  return TYPED.test(text) && (/\d$/.test(text) || "smhdwM".includes(unitOf(text)));
}

/** The interval of those offered that is meant, or null. */
export function intervalOf(text: string, offered: readonly string[]): string | null {
  if (!isIntervalStart(text)) return null;
  const count = Number.parseInt(text, 10);
  const unit = unitOf(text) || "m";
  const direct = `${count}${unit}`;
  if (offered.includes(direct)) return direct;
  const minutes = MINUTES[unit];
  return offered.find((name) => minutes !== undefined && minutesOf(name) === count * minutes) ?? null;
}

/** "" for none; the case counts for minutes and months alone. */
function unitOf(text: string): string {
  const unit = /[a-zA-Z]$/.exec(text)?.[0] ?? "";
  return unit === "M" || unit === "m" ? unit : unit.toLowerCase();
}

function minutesOf(name: string): number | null {
  const minutes = MINUTES[name.slice(-1)];
  return minutes === undefined ? null : Number.parseInt(name, 10) * minutes;
}
