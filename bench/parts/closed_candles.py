"""How each candle that closed while watched became official: exact at once, later, or never.

Never here: watching, printing.
Invariant: every candle that closed in the time of the script is counted once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bench.parts.candle_watcher import CandleWatcher, Closed
from bench.parts.disturbed_system import Script
from truecandle.candles.interval import LAST_MS
from truecandle.candles.series import Series

AT_ONCE, LATER = "exact at once", "proven later"
#: Without the streams or the feed nothing can be exact at that very instant.
EXCUSED = ("stall", "kill")


def table(watcher: CandleWatcher, script: Script) -> list[str]:
    """How many candles became what, by what was going on."""
    counts: Counter[tuple[str, str]] = Counter()
    latest_ms: dict[str, int] = {}
    for _, _, kinds, closed in _candles(watcher, script):
        how = _how(closed)
        counts[kinds, how] += 1
        if how == LATER:
            took_ms = (closed.proven_ms or 0) - (closed.seen_ms or 0)
            latest_ms[kinds] = max(latest_ms.get(kinds, 0), took_ms)
    lines = []
    for kinds in sorted({kinds for kinds, _ in counts}):
        parts = [f"{n} {how}" for (one, how), n in sorted(counts.items()) if one == kinds]
        late_text = f", at most {latest_ms[kinds]} ms later" if kinds in latest_ms else ""
        lines.append(f"{kinds:28} {', '.join(parts)}{late_text}")
    return lines


def late(watcher: CandleWatcher, script: Script) -> Iterator[tuple[str, bool]]:
    """Each candle that was not exact before its official version took its place; whether that can
    be excused."""
    for series, open_ms, kinds, closed in _candles(watcher, script):
        how = _how(closed)
        if how in (AT_ONCE, LATER):
            continue
        end_ms = series.interval.next_open_ms(open_ms)
        proof = f"proof {closed.proven_ms - end_ms} ms" if closed.proven_ms else "no proof"
        official = f"official {closed.official_ms - end_ms} ms" if closed.official_ms else "none"
        text = f"{series} {open_ms} ({kinds}): {how}; after its end: {proof}, {official}"
        yield text, any(kind in kinds for kind in EXCUSED)


def _candles(watcher: CandleWatcher, script: Script) -> Iterator[tuple[Series, int, str, Closed]]:
    """Series, open time, what was going on, and how it went."""
    for sight in watcher.sights.values():
        interval = sight.series.interval
        first_ms = interval.next_open_ms(interval.open_ms(watcher.started_ms + 2_000))
        for open_ms in interval.opens(first_ms, interval.open_ms(script.end_ms - 8_000)):
            end_ms = interval.next_open_ms(open_ms)
            kinds = "+".join(script.kinds(open_ms, end_ms + 3_000)) or "calm"
            yield sight.series, open_ms, kinds, sight.closed.get(open_ms, Closed())


def _how(closed: Closed) -> str:
    if closed.is_exact_at_once:
        return AT_ONCE
    if closed.proven_ms is not None and closed.proven_ms <= (closed.official_ms or LAST_MS):
        return LATER
    if closed.official_ms is None:
        return "never seen closed" if closed.seen_ms is None else "never exact nor official"
    if closed.seen_ms is None or closed.seen_ms >= closed.official_ms:
        return "official before it was live"
    return "official before it was exact"
