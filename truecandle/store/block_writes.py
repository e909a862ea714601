"""Changes blocks: official candles that are corrected, come late, or go, where a series is sealed.

Never here: sealing (`sealing`), which rows may be stored (`rows`), reading (`both_halves`).
Invariant: a block is written only in the place of the one that was read, in one script, with the
fence, the corrections and the version as for every official candle.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from redis import Redis

from truecandle.candles.candle import OfficialCandle
from truecandle.candles.series import Series
from truecandle.errors import CandleError, StoreUnavailable
from truecandle.store import block, keys
from truecandle.store.block import BlockSpan
from truecandle.store.columns import own_time
from truecandle.store.script import Script

#: A block that others change between reading and writing it is read so many times more.
TRIES_MAX: Final = 10

WRITE: Final = Script("write_block", after="official_series")


class Totals(NamedTuple):
    """What a series holds after a write, as `official_series.lua` says it: times are -1 while
    nothing is stored, `unsealed` candles lie in no block."""

    previous: int
    version: int
    earliest: int
    latest: int
    candles: int
    unsealed: int


class WrittenBy(NamedTuple):
    """Who writes: the fencing number, a word for the corrections, and how many are kept."""

    fence: int
    noticed_by: str
    corrections_kept: int


@dataclass(slots=True)
class BlockPlan:
    """What becomes of the rows that are to be stored in a block."""

    #: What the block will hold, by open time.
    members: dict[int, bytes]
    added: int = 0
    unchanged: int = 0
    healed: int = 0
    #: Open time, old member, new member.
    corrected: list[tuple[int, bytes, bytes]] = field(default_factory=list)
    changed: list[OfficialCandle] = field(default_factory=list)


def upsert(
    redis: Redis, series: Series, span: BlockSpan, rows: Sequence[OfficialCandle], writer: WrittenBy
) -> tuple[BlockPlan, Totals] | None:
    """Stores rows (ascending) of one block's span; None if that is not sealed by now."""
    for _ in range(TRIES_MAX):
        text = _text(redis, series, span)
        plan = _plan(text, rows)
        changes = len(plan.changed)
        held = _write(redis, series, span, text, plan.members, changes, writer, plan.corrected)
        if held is False:
            return None
        if held is not None:
            return plan, held
    raise _busy(series, span)


def remove(
    redis: Redis, series: Series, span: BlockSpan, opens: Collection[int], writer: WrittenBy
) -> None:
    """Takes the candles away that open at these times, if they lie in a block."""
    for _ in range(TRIES_MAX):
        text = _text(redis, series, span)
        stored = _stored(text)
        kept = {open_ms: member for open_ms, member in stored.items() if open_ms not in opens}
        changes = len(stored) - len(kept)
        if not changes or _write(redis, series, span, text, kept, changes, writer) is not None:
            return
    raise _busy(series, span)


def _text(redis: Redis, series: Series, span: BlockSpan) -> bytes | None:
    text: Any = redis.hget(keys.blocks(series), str(span.start_ms))
    return text if text is None else bytes(text)


def _stored(text: bytes | None) -> dict[int, bytes]:
    """What a block holds, by open time; nothing if it cannot be read."""
    try:
        members = block.unpack(text) if text is not None else ()
    except CandleError:
        return {}
    times = map(own_time, members)
    return {ms: member for ms, member in zip(times, members, strict=True) if ms is not None}


def _plan(text: bytes | None, rows: Sequence[OfficialCandle]) -> BlockPlan:
    stored = _stored(text)
    plan = BlockPlan(dict(stored))
    is_damaged = text is not None and not stored
    for candle in rows:
        old, new = stored.get(candle.open_ms), candle.member().encode()
        if old == new:
            plan.unchanged += 1
            continue
        plan.members[candle.open_ms] = new
        plan.changed.append(candle)
        if old is not None:
            plan.corrected.append((candle.open_ms, old, new))
        elif is_damaged:
            plan.healed += 1
        else:
            plan.added += 1
    return plan


def _write(
    redis: Redis,
    series: Series,
    span: BlockSpan,
    old: bytes | None,
    members: Mapping[int, bytes],
    changes: int,
    writer: WrittenBy,
    corrected: Sequence[tuple[int, bytes, bytes]] = (),
) -> Totals | Literal[False] | None:
    """What there is now; None if another block is there, False if the span is not sealed."""
    opens = sorted(members)
    text = block.pack([members[open_ms] for open_ms in opens]) if changes and opens else b""
    first, last = (opens[0], opens[-1]) if opens else (0, 0)
    args: list[str | bytes | int] = [*writer, *span, digest(old) if old is not None else "", text]
    args += (len(opens), first, last, changes)
    for entry in corrected:
        args += entry
    answer = WRITE.run(redis, script_keys(series), args)
    if isinstance(answer, int):
        return None if answer == 0 else False
    return Totals(*answer)


def script_keys(series: Series) -> tuple[str, ...]:
    """What every script is given that writes official candles, in its order of keys."""
    names = keys.klines(series), keys.meta(series), keys.corrections(series), keys.FENCE
    return *names, keys.blocks(series), keys.index(series)


def digest(text: bytes) -> str:
    """The SHA-1 by which scripts tell a block, or members in a row."""
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()


def _busy(series: Series, span: BlockSpan) -> StoreUnavailable:
    where = f"the block of {series} from {span.start_ms} ms"
    return StoreUnavailable(f"{where} changed again and again meanwhile; try once more")
