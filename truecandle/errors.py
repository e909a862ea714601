"""Every error that TrueCandle raises on purpose, as one tree.

Never here: HTTP status codes, logging, wording for the browser (`web/errors.py` maps them).
Invariant: whatever crosses a module border on purpose is a `TrueCandleError`.

    TrueCandleError
    ├── SettingsError            wrong environment; all problems at once
    ├── CandleError              a row, trade or candle that breaks a rule
    ├── ExchangeError            the exchange did not give a usable answer
    │   ├── ExchangeUnreachable    no connection, time-out, 5xx: try again later
    │   ├── ExchangeRefused        4xx with a reason: the same request fails again
    │   ├── RateLimited            429, 418 or a firewall's 403: no request until a given time
    │   └── MalformedAnswer        200, but not what was asked for
    │       └── AnswerHeld           well-formed, but too unlike what is known to be believed
    ├── DeliveryFailed           a receiver of webhooks did not take a message
    ├── LibraryMissing           a library that is optional is not installed
    ├── MirrorError              a mirror's folder cannot be written or read, or is not its own
    │   └── MirrorRefused          one file of it that nothing was done to
    └── StoreError               Redis did not do what was asked
        ├── StoreUnavailable       away, loading, frozen, read-only or full: try again later
        ├── StoreDamaged           a key holds something that is not ours
        └── StaleWriter            the fencing number is older than the one in charge
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class TrueCandleError(Exception):
    """The root of the tree."""


class SettingsError(TrueCandleError):
    """Settings are wrong. `problems` holds one sentence for each, naming key and value."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class CandleError(TrueCandleError):
    """A row, trade or candle breaks a rule. Names the `field`, its `value` and what is allowed."""

    def __init__(self, field: str, value: object, allowed: str) -> None:
        self.field = field
        self.value = value
        self.allowed = allowed
        super().__init__(f"{field} is {_shortened(value)}; allowed: {allowed}")


class ExchangeError(TrueCandleError):
    """The exchange did not give a usable answer."""


class Outage(Protocol):
    """What somebody waits for who was not answered: over as soon as anybody is (`reachability`)."""

    is_over: bool

    def probe(self) -> None:
        """Tries whether it is over; raises nothing."""


class ExchangeUnreachable(ExchangeError):
    """No connection, a time-out or a 5xx answer: worth trying again later, or once `outage` (None
    where nobody keeps an eye on it) is over.
    """

    def __init__(self, message: str, outage: Outage | None = None) -> None:
        self.outage = outage
        super().__init__(message)


class ExchangeRefused(ExchangeError):
    """A 4xx answer with Binance's own `code` (e.g. -1121) and message: asking again won't help."""

    def __init__(self, status: int, code: int, message: str) -> None:
        self.status = status
        self.code = code
        self.message = message
        super().__init__(f"exchange refused: {code} {message} (HTTP {status})")


class RateLimited(ExchangeError):
    """429, 418 or a firewall's 403: no request may leave before `retry_after_ms` have passed."""

    def __init__(self, retry_after_ms: int, status: int) -> None:
        self.retry_after_ms = retry_after_ms
        self.status = status
        super().__init__(f"exchange asks to wait {retry_after_ms / 1000:.0f} s (HTTP {status})")


class MalformedAnswer(ExchangeError):
    """A 200 answer that is not what was asked for: HTML, cut JSON, another shape."""


class AnswerHeld(MalformedAnswer):
    """Candles too unlike what is known to be believed: nothing was written, they are held back."""


class DeliveryFailed(TrueCandleError):
    """A receiver of webhooks or of traces did not take what it was sent; `status` of its answer, 0
    without one."""

    def __init__(self, message: str, status: int) -> None:
        self.status = status
        super().__init__(message)


class LibraryMissing(TrueCandleError):
    """A library that is optional is not installed; the message says how to install it."""


class MirrorError(TrueCandleError):
    """The folder of a mirror cannot be written or read, or belongs to somebody else."""


class MirrorRefused(MirrorError):
    """One file of a mirror was left as it is; others are not affected."""


class StoreError(TrueCandleError):
    """Redis did not do what was asked."""


class StoreUnavailable(StoreError):
    """Redis is away, loading, frozen, read-only or full: worth trying again later."""


class StoreDamaged(StoreError):
    """A key of ours holds another type or content that is not ours. Nothing was written."""


class StaleWriter(StoreError):
    """A write came with a fencing number older than the one now in charge. Nothing was written."""


def _shortened(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
