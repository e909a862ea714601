"""What can be wrong with a store: in words for who reads it, and what would mend it.

Never here: looking for it (`store_checks`, `environment_checks`), mending it (`repair`).
Invariant: every finding says what is wrong, why it matters and what `--repair` would do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from truecandle.admin.plan import Span
from truecandle.candles.series import Series

#: Check -> why it matters, and what `--repair` does about it ("" where only people can).
CHECKS: Final[dict[str, tuple[str, str]]] = {
    "foreign type": (
        "Every command that reads or writes this key fails.",
        "gives the key another name (aside:…) for 7 days; candles are fetched again",
    ),
    "taken": (
        "TrueCandle goes by this name, and another application has it: give each its own database.",
        "",
    ),
    "junk": (
        "It is no candle; readers skip it, and what should be there is missing.",
        "asks the exchange for these candles and removes what is none",
    ),
    "misplaced": (
        "The member tells another open time than its score: it is found at the wrong time.",
        "asks the exchange for both times and stores each candle where it belongs",
    ),
    "broken": (
        "Such prices cannot be: high and low do not hold open and close, or are not above 0.",
        "asks the exchange for these candles and replaces them",
    ),
    "misaligned": (
        "No candle of this interval can open there; it hides or doubles a real one.",
        "removes it and asks the exchange for the candle of that time",
    ),
    "not closed": (
        "Only candles that the exchange has closed are official; this one will still change.",
        "removes it; its live candle stays, and the official one comes after its close",
    ),
    "double": (
        "Two candles stand at one open time; which one is shown is chance.",
        "asks the exchange and keeps what it says",
    ),
    "meta": (
        "Counts, paging and the look for missing candles go by it.",
        "writes it anew from the candles that are there; if none are, fetches them again",
    ),
    "blocks": (
        "Older candles lie in blocks; where one cannot be read, every answer that needs it fails.",
        "asks the exchange for these candles, stores them, and counts the blocks anew",
    ),
    "held back": (
        "The exchange says otherwise than what is stored; who is right is for people to judge.",
        "",
    ),
    "parents": (
        "A longer candle and the shorter ones that cover it contradict each other.",
        "asks the exchange for the longer and the shorter candles and takes over what it says",
    ),
    "settings": (
        "Candles get lost.",
        "sets it in the running server; set it in its configuration file as well",
    ),
    "writes": ("Nothing new is stored, and nothing can be repaired.", ""),
    "events": ("Pages and programs learn of what is new only when they ask.", ""),
    "roles": ("What one role keeps or shows, another does not: nothing fails, nothing comes.", ""),
    "saving": ("What Redis cannot write to its disk is lost when it ends.", ""),
    "redis version": ("Commands that are used here may be missing.", ""),
    "packages": ("Only the pinned versions were tested together.", ""),
    "clock": (
        "The roles judge by it which candle is closed.",
        "shares the offset that was just measured",
    ),
    "exchange": ("Without it nothing can be compared or repaired.", ""),
    "traces": ("Spans are lost while it does not; nothing else depends on it.", ""),
}


class SetAside(NamedTuple):
    """Give a key another name, if it still holds what was found."""

    name: bytes
    found: str


class Refill(NamedTuple):
    """Fetch the candles that a series had."""

    series: Series


class Reask(NamedTuple):
    """Remove what lies at `scores`, and store what the exchange has in `spans`."""

    series: Series
    spans: tuple[Span, ...]
    scores: tuple[float, ...] = ()


class Rebuild(NamedTuple):
    """Store what the exchange has in the spans of blocks, each as a whole."""

    series: Series
    spans: tuple[Span, ...]


class Renew(NamedTuple):
    """Write a series' meta, and forget blocks that it does not tell of."""

    series: Series


class Configure(NamedTuple):
    """Change a setting of Redis."""

    name: str
    value: str


class Share(NamedTuple):
    """Share the exchange's time, as it was measured just now."""


Cure = SetAside | Refill | Reask | Rebuild | Renew | Configure | Share


@dataclass(frozen=True, slots=True)
class Finding:
    """`place` is a key, a series or a part of the system; `cures` are done in their order."""

    check: str
    place: str
    what: str
    cures: tuple[Cure, ...] = ()

    @property
    def why(self) -> str:
        return CHECKS[self.check][0]

    @property
    def remedy(self) -> str:
        """What `--repair` would do; "" if nothing."""
        return CHECKS[self.check][1] if self.cures else ""
