// What the page shows beside the candles, as one plain value; words are made from it later.
// Never here: words, the DOM, a clock of its own.
// Invariant: times are exchange ms, waits are durations, null means not known.

/** One value from all parts of the session. */
export function describe({ series, history, items, live, link, load, time, dayOpen }) {
  const { symbol, interval } = series;
  const last = history.last;
  const newest = items.at(-1) ?? null;
  const forming = newest?.state === "forming" ? newest.candle : null;
  const { localMs } = time;
  const nowMs = time.now();
  return {
    symbol,
    interval: interval.name,
    nowMs,
    isClockKnown: time.isKnown,
    dayOpen,
    link: { kind: link.kind, sinceMs: time.toExchange(link.sinceMs), retryInMs: wait(link.retryAtMs, localMs) },
    load: { kind: load.kind, status: load.status ?? null, detail: load.detail ?? "", retryInMs: wait(load.retryAtMs, localMs) },
    version: history.version,
    officialToMs: last !== null && interval.hasGrid ? interval.nextOpenMs(last.time) : null,
    pending: items.filter((item) => item.state === "pending").length,
    formingMs: forming?.time ?? null,
    forming: forming && { isExact: forming.isExact === true && link.kind === "up", source: forming.source },
    freshness: live.freshness,
    closesInMs: forming !== null && interval.hasGrid ? interval.nextOpenMs(forming.time) - nowMs : null,
    price: live.price ?? newest?.candle.close ?? last?.close ?? null,
    lastNewsMs: live.lastNewsMs,
    bars: history.rows.length + items.length,
  };
}

function wait(untilMs, localMs) {
  return untilMs === null || untilMs === undefined ? null : Math.max(0, untilMs - localMs);
}
