// What the page says: times, prices, volumes and states in words. Pure text in, text out.
// Never here: the DOM, a clock; times come in as exchange ms and are told in the zone that is shown.
// Invariant: short, exact, no colour needed; numbers carry their unit, times their zone where it matters.

import type { CandleState } from "../candles/candle.ts";
import { UTC, type Zone } from "../candles/zone.ts";
import type { Market } from "../net/protocol.ts";
import type { ViewModel } from "../state/viewModel.ts";
import { shownZone } from "./shownZone.ts";

const DAY_MS = 86_400_000;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** The most that every browser takes; the exchange has eight. */
const DECIMALS_MAX = 20;

/** By options; as many as there are precisions. */
const formatters = new Map<string, Intl.NumberFormat>();

export const LIVE_STATES: Readonly<Record<CandleState, string>> = Object.freeze({
  pending: "closed, waiting for the official candle",
  forming: "forming",
  final: "official",
});

/** What the status line is made from. */
type StatusView = Pick<
  ViewModel,
  "nowMs" | "isClockKnown" | "officialToMs" | "pending" | "version" | "interval"
>;

export type StatusCell = "clock" | "official" | "pending" | "version";

/** "official up to 18:00", "1 pending" … in the order of the status line; "" is left out. */
export function status(view: StatusView): Record<StatusCell, string> {
  const { nowMs, isClockKnown, officialToMs, pending, version, interval } = view;
  return {
    clock: isClockKnown ? clockWithZone(nowMs) : "",
    official: officialToMs === null ? "" : `official up to ${moment(officialToMs, interval, nowMs)}`,
    pending: pending === 0 ? "" : `${pending} pending`,
    version: version === null ? "" : `version ${version}`,
  };
}

/** The state of one candle: "forming, closes in 00:41". */
export function candleState(state: CandleState, closesInMs: number | null = null) {
  const words = LIVE_STATES[state] ?? "";
  return state === "forming" && closesInMs !== null ? `${words}, closes in ${countdown(closesInMs)}` : words;
}

/** 14:02:10. */
export function clock(ms: number, zone: Zone = shownZone.value) {
  return zone.wall(ms).toISOString().slice(11, 19);
}

/** 14:02:10 UTC+2: a time that is told by itself. */
export function clockWithZone(ms: number, zone: Zone = shownZone.value) {
  return `${clock(ms, zone)} ${zone.label(ms)}`;
}

/** An open time as short as it can be told apart: 18:00, 21 Nov 18:00, 21 Nov 2024. */
export function moment(ms: number, interval: string, nowMs: number, zone: Zone = shownZone.value) {
  if (isOfDays(interval)) return day(ms, true, UTC);
  const time = clock(ms, zone).slice(0, interval === "1s" ? 8 : 5);
  if (zone.isSameDay(ms, nowMs)) return time;
  const isOtherYear = zone.wall(ms).getUTCFullYear() !== zone.wall(nowMs).getUTCFullYear();
  return `${day(ms, isOtherYear, zone)} ${time}`;
}

/** An open time in full, with its zone: 21 Nov 2024 18:00 UTC+1. */
export function fullMoment(ms: number, interval: string, zone: Zone = shownZone.value) {
  if (isOfDays(interval)) return zone.name === UTC.name ? day(ms, true, UTC) : `${day(ms, true, UTC)} (UTC day)`;
  return `${day(ms, true, zone)} ${clock(ms, zone).slice(0, interval === "1s" ? 8 : 5)} ${zone.label(ms)}`;
}

/** Whether candles are days or longer: those open with the exchange's own days, at 00:00 UTC in every zone. */
export function isOfDays(interval: string) {
  return /[dwM]$/.test(interval);
}

/** What is said where a market's candles begin. */
export function marketStart(symbol: string, openMs: number, interval: string) {
  return `${symbol} begins here, ${fullMoment(openMs, interval)}`;
}

/** 00:41, 1:02:41, 2 d 03:10:22. */
export function countdown(ms: number) {
  const total = Math.max(0, Math.ceil(ms / 1000));
  const [days, hours, minutes, seconds] = [total / 86400, (total / 3600) % 24, (total / 60) % 60, total % 60].map(Math.floor) as [number, number, number, number];
  const two = (number: number) => String(number).padStart(2, "0");
  if (days > 0) return `${days} d ${two(hours)}:${two(minutes)}:${two(seconds)}`;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${two(minutes)}:${two(seconds)}`;
}

/** The same where there is little room: 00:41, 1:02:41, 2 d 3 h. */
export function shortCountdown(ms: number) {
  const hours = Math.floor(Math.ceil(ms / 1000) / 3600);
  return hours < 24 ? countdown(ms) : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Whether a market trades: a word for the menu and a sentence for the chart, both empty where it does. */
export function standing({ symbol, status = null }: { readonly symbol: string; readonly status?: Market["status"] }): { word: string; text: string } {
  if (status === null || status === "TRADING") return { word: "", text: "" };
  if (status === "UNLISTED") return { word: "not listed", text: `The exchange does not list ${symbol}; what is stored stays.` };
  return { word: status.toLowerCase(), text: `${symbol} does not trade at the moment: the exchange says ${status}.` };
}

/** A price with its market's decimals: 61,234.50; with its own while the market's are not known (-1). */
export function price(number: number, precision: number) {
  if (precision < 0) return formatter({ maximumFractionDigits: DECIMALS_MAX }).format(number);
  return formatter({ minimumFractionDigits: precision, maximumFractionDigits: precision }).format(number);
}

/** How many there are: 12,345. */
export function count(number: number) {
  return formatter({ maximumFractionDigits: 0 }).format(number);
}

/** A volume as exact as is readable: 12.345, 1,234.5, 1.235M. */
export function volume(number: number) {
  if (number >= 1e6) return formatter({ notation: "compact", maximumFractionDigits: 3 }).format(number);
  return formatter({ maximumFractionDigits: number >= 1000 ? 1 : number >= 1 ? 3 : 5 }).format(number);
}

/** A change with its sign and unit: +1.25 %. */
export function change(from: number, to: number) {
  const percent = ((to - from) / from) * 100;
  const text = Math.abs(percent).toFixed(2);
  const sign = Number(text) === 0 ? "" : percent > 0 ? "+" : "−";
  return `${sign}${text} %`;
}

/** Making a formatter costs a hundred times what using it does: each is made once. */
function formatter(options: Intl.NumberFormatOptions) {
  const key = JSON.stringify(options);
  let made = formatters.get(key);
  if (made === undefined) formatters.set(key, (made = new Intl.NumberFormat("en-US", options)));
  return made;
}

/** 12 s, 5 min, 3 h 05 min, 2 d: how long something has lasted. */
export function duration(ms: number) {
  const units = [1_000, 60_000, 3_600_000, DAY_MS];
  const [seconds, minutes, hours, days] = units.map((unit) => Math.floor(Math.max(0, ms) / unit)) as [number, number, number, number];
  if (days > 0) return `${days} d`;
  if (hours > 0) return `${hours} h ${String(minutes % 60).padStart(2, "0")} min`;
  return minutes > 0 ? `${minutes} min` : `${seconds} s`;
}

/** 21 Nov, or 21 Nov 2024. */
export function day(ms: number, withYear = false, zone: Zone = shownZone.value) {
  const date = zone.wall(ms);
  const text = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
  return withYear ? `${text} ${date.getUTCFullYear()}` : text;
}

/** How a zone is called on a button: UTC, Berlin, New York. */
export function zoneName({ name }: Zone) {
  return name.slice(name.lastIndexOf("/") + 1).replaceAll("_", " ");
}

/** What stands below a line of the time axis where a year, month, day or moment begins: 2026, Nov, 27, 14:02. */
export function axisMark(ms: number, begins: "year" | "month" | "day" | "minute" | "second", zone: Zone) {
  const date = zone.wall(ms);
  if (begins === "year") return String(date.getUTCFullYear());
  if (begins === "month") return MONTHS[date.getUTCMonth()]!;
  if (begins === "day") return String(date.getUTCDate());
  return clock(ms, zone).slice(0, begins === "second" ? 8 : 5);
}

/** What the page is called: the price first, so that a tab tells it. */
export function pageTitle({ symbol, interval, price: last }: Pick<ViewModel, "symbol" | "interval" | "price">, precision: number) {
  const known = last === null || precision < 0 ? "" : `${price(last, precision)} `;
  return `${known}${symbol} ${interval} · TrueCandle`;
}
