// What the page says: times, prices, volumes and states in words. Pure text in, text out.
// Never here: the DOM, a clock; times come in as exchange ms and are told in UTC.
// Invariant: short, exact, no colour needed; numbers carry their unit, times their zone where it matters.

const DAY_MS = 86_400_000;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** By options; as many as there are precisions. */
const formatters = new Map();

/** No news of the price for this long is called quiet, then stale. */
export const QUIET_AFTER_MS = 10_000;
export const STALE_AFTER_MS = 60_000;

/** A connection lost for less than this is worth a word, not a sentence across the chart. */
const NOTICE_AFTER_MS = 1_000;

export const LIVE_STATES = Object.freeze({
  pending: "closed, waiting for the official candle",
  forming: "forming",
  final: "official",
});

/** How fresh the page is: `{tone, text, detail}`; tone is live, quiet, busy, warn or down. */
export function freshness(view) {
  const { link, load, lastNewsMs, nowMs } = view;
  if (isSignedOut(view)) {
    return { tone: "down", text: "Signed out", detail: `Signed out. ${upTo(view, "Sign in to go on.")}` };
  }
  if (link.kind === "away") return away(view);
  if (link.kind === "connecting") return { tone: "busy", text: "Connecting", detail: "Connecting to the server." };
  if (load.kind === "failed") {
    const text = view.bars > 0 ? "Not updating" : "No data";
    return { tone: "down", text, detail: `${failure(view)} ${upTo(view)}`.trim() };
  }
  if (load.kind === "loading") return { tone: "busy", text: "Loading", detail: "Loading candles." };
  if (lastNewsMs === null) return { tone: "quiet", text: "Quiet", detail: "Connected. No trade has arrived yet." };
  const quietMs = nowMs - lastNewsMs;
  if (quietMs < QUIET_AFTER_MS) return { tone: "live", text: "Live", detail: "Every trade moves the chart." };
  if (quietMs < STALE_AFTER_MS) {
    const text = `Quiet ${Math.floor(quietMs / 1000)} s`;
    return { tone: "quiet", text, detail: `Connected. The last trade arrived at ${clock(lastNewsMs)} UTC.` };
  }
  const text = `Stale since ${clock(lastNewsMs)}`;
  return { tone: "warn", text, detail: `No trade since ${clock(lastNewsMs)} UTC. ${upTo(view)}` };
}

export function isSignedOut({ link, load }) {
  return link.kind === "out" || load.status === 401;
}

/** The sentence across the chart, or "" when there is nothing that must be said there. */
export function notice(view) {
  const { tone, detail } = freshness(view);
  if (view.link.kind === "away" && view.nowMs - view.link.sinceMs < NOTICE_AFTER_MS) return "";
  if (view.bars === 0 && view.load.kind === "failed" && !isSignedOut(view)) return "";
  return tone === "down" ? detail : "";
}

/** What stands in the middle of a chart without candles: `{title, text}` or null. */
export function emptiness(view) {
  const { load, bars, symbol, interval } = view;
  if (bars > 0 || load.kind === "loading") return null;
  if (load.kind === "failed") return { title: `No candles of ${symbol} ${interval}`, text: failure(view) };
  return {
    title: `No candles of ${symbol} ${interval} yet`,
    text: "They appear here by themselves as soon as they are fetched.",
  };
}

/** "official up to 18:00", "1 pending" … in the order of the status line; "" is left out. */
export function status(view) {
  const { nowMs, isClockKnown, officialToMs, pending, formingMs, closesInMs, version, interval } = view;
  return {
    clock: isClockKnown ? `${clock(nowMs)} UTC` : "",
    official: officialToMs === null ? "" : `official up to ${moment(officialToMs, interval, nowMs)}`,
    pending: pending === 0 ? "" : `${pending} pending`,
    forming: formingMs === null ? "" : `forming ${moment(formingMs, interval, nowMs)}`,
    closes: closesInMs === null ? "" : `closes in ${countdown(closesInMs)}`,
    version: version === null ? "" : `version ${version}`,
  };
}

/** The state of one candle: "forming, closes in 00:41". */
export function candleState(state, closesInMs = null) {
  const words = LIVE_STATES[state] ?? "";
  return state === "forming" && closesInMs !== null ? `${words}, closes in ${countdown(closesInMs)}` : words;
}

/** 14:02:10, in UTC. */
export function clock(ms) {
  return new Date(ms).toISOString().slice(11, 19);
}

/** An open time as short as it can be told apart: 18:00, 21 Nov 18:00, 21 Nov 2024. */
export function moment(ms, interval, nowMs) {
  const isDays = /[dwM]$/.test(interval);
  const time = clock(ms).slice(0, interval === "1s" ? 8 : 5);
  if (isDays) return day(ms, true);
  if (Math.floor(ms / DAY_MS) === Math.floor(nowMs / DAY_MS)) return time;
  return `${day(ms, new Date(ms).getUTCFullYear() !== new Date(nowMs).getUTCFullYear())} ${time}`;
}

/** An open time in full, with its zone: 21 Nov 2024 18:00 UTC. */
export function fullMoment(ms, interval) {
  if (/[dwM]$/.test(interval)) return day(ms, true);
  return `${day(ms, true)} ${clock(ms).slice(0, interval === "1s" ? 8 : 5)} UTC`;
}

/** 00:41, 1:02:41, 2 d 03:10:22. */
export function countdown(ms) {
  const total = Math.max(0, Math.ceil(ms / 1000));
  const [days, hours, minutes, seconds] = [total / 86400, (total / 3600) % 24, (total / 60) % 60, total % 60].map(Math.floor);
  const two = (number) => String(number).padStart(2, "0");
  if (days > 0) return `${days} d ${two(hours)}:${two(minutes)}:${two(seconds)}`;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${two(minutes)}:${two(seconds)}`;
}

/** Whether a market trades: a word for the menu and a sentence for the chart, both empty where it does. */
export function standing({ symbol, status }) {
  if (status === null || status === undefined || status === "TRADING") return { word: "", text: "" };
  if (status === "UNLISTED") return { word: "not listed", text: `The exchange does not list ${symbol}; what is stored stays.` };
  return { word: status.toLowerCase(), text: `${symbol} does not trade at the moment: the exchange says ${status}.` };
}

/** A price with its market's decimals: 61,234.50. */
export function price(number, precision) {
  return formatter({ minimumFractionDigits: precision, maximumFractionDigits: precision }).format(number);
}

/** A volume as exact as is readable: 12.345, 1,234.5, 1.235M. */
export function volume(number) {
  if (number >= 1e6) return formatter({ notation: "compact", maximumFractionDigits: 3 }).format(number);
  return formatter({ maximumFractionDigits: number >= 1000 ? 1 : number >= 1 ? 3 : 5 }).format(number);
}

/** A change with its sign and unit: +1.25 %. */
export function change(from, to) {
  const percent = ((to - from) / from) * 100;
  const sign = percent > 0 ? "+" : percent < 0 ? "−" : "";
  return `${sign}${Math.abs(percent).toFixed(2)} %`;
}

/** Making a formatter costs a hundred times what using it does: each is made once. */
function formatter(options) {
  const key = JSON.stringify(options);
  if (!formatters.has(key)) formatters.set(key, new Intl.NumberFormat("en-US", options));
  return formatters.get(key);
}

function away(view) {
  const { link, nowMs } = view;
  const since = `Server away since ${clock(link.sinceMs)} UTC`;
  const seconds = Math.ceil((link.retryInMs ?? 0) / 1000);
  const next = seconds > 0 ? `trying again in ${seconds} s` : "trying again now";
  const isShort = nowMs - link.sinceMs < QUIET_AFTER_MS;
  const short = seconds > 0 ? `Reconnecting in ${seconds} s` : "Reconnecting";
  const text = isShort ? short : `Server away since ${clock(link.sinceMs)}`;
  return { tone: "down", text, detail: `${since}, ${next}. ${upTo(view)}` };
}

function failure({ load }) {
  if (load.retryInMs === null) return load.detail;
  const seconds = Math.ceil(load.retryInMs / 1000);
  return `${load.detail} ${seconds > 0 ? `Trying again in ${seconds} s.` : "Trying again now."}`;
}

function upTo({ officialToMs, interval, nowMs }, otherwise = "") {
  const seen = officialToMs === null ? "" : `The candles you see are official up to ${moment(officialToMs, interval, nowMs)}.`;
  return [otherwise, seen].filter(Boolean).join(" ");
}

function day(ms, withYear) {
  const date = new Date(ms);
  const text = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
  return withYear ? `${text} ${date.getUTCFullYear()}` : text;
}
