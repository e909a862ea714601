// What the page shows beside the candles, as one plain value; words are made from it later.
// Never here: words, the DOM, a clock of its own.
// Invariant: times are exchange ms, waits are durations, null means not known.

/** One value from all parts of the session. */
export function describe({ series, history, items, live, link, load, localMs, offsetMs, isClockKnown, dayOpen }) {
  const { symbol, interval } = series;
  const last = history.last;
  const newest = items.at(-1) ?? null;
  const forming = newest?.state === "forming" ? newest.candle : null;
  const nowMs = localMs + offsetMs;
  return {
    symbol,
    interval: interval.name,
    nowMs,
    isClockKnown,
    dayOpen,
    link: { kind: link.kind, sinceMs: link.sinceMs + offsetMs, retryInMs: wait(link.retryAtMs, localMs) },
    load: { kind: load.kind, status: load.status ?? null, detail: load.detail ?? "", retryInMs: wait(load.retryAtMs, localMs) },
    version: history.version,
    officialToMs: last !== null && interval.hasGrid ? interval.nextOpenMs(last.time) : null,
    pending: items.filter((item) => item.state === "pending").length,
    formingMs: forming?.time ?? null,
    closesInMs: forming !== null && interval.hasGrid ? interval.nextOpenMs(forming.time) - nowMs : null,
    price: live.price ?? newest?.candle.close ?? last?.close ?? null,
    lastNewsMs: live.lastNewsMs,
    bars: history.rows.length + items.length,
  };
}

function wait(untilMs, localMs) {
  return untilMs === null || untilMs === undefined ? null : Math.max(0, untilMs - localMs);
}
