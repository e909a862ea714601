"""What a webhook says, its id and its signature, by the Standard Webhooks specification.

Never here: sending, whether something was told before.
Invariant: the same event has the same id and body whenever it is told; numbers keep the exchange's
own decimal text. No id holds a dot, which parts what is signed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final, NamedTuple

from truecandle import exact_json
from truecandle.candles.candle import OfficialCandle
from truecandle.candles.moments import to_iso
from truecandle.candles.series import Series
from truecandle.exact_json import Exact
from truecandle.store.official import Correction

CLOSED: Final = "candle.closed"
CORRECTED: Final = "candle.corrected"
#: How a secret begins; the rest is Base64 of so many bytes.
SECRET_HEAD: Final = "whsec_"

_ID_CHARS: Final = 32


class WebhookMessage(NamedTuple):
    """`id` is by what a receiver knows it again; `body` is JSON."""

    id: str
    body: str


def closed(series: Series, candle: OfficialCandle) -> WebhookMessage:
    """A candle that became official: a row of the exchange's 12 fields."""
    end_ms = series.interval.next_open_ms(candle.open_ms)
    return _message(CLOSED, series, candle.open_ms, end_ms, {"candle": Exact(candle.member())})


def corrected(series: Series, change: Correction) -> WebhookMessage:
    """An official candle that the exchange changed later, both rows."""
    rows = {"old": Exact(change.old.member()), "new": Exact(change.new.member())}
    noticed = {"noticed_at": change.at, "noticed_by": change.by}
    return _message(CORRECTED, series, change.time, change.at, {**rows, **noticed})


def headers(message: WebhookMessage, secret: str, now_s: int) -> dict[str, str]:
    """By which a receiver knows who sends it, that it was not changed, and when it was sent."""
    key = base64.b64decode(secret.removeprefix(SECRET_HEAD))
    signed = f"{message.id}.{now_s}.{message.body}".encode()
    signature = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return {
        "webhook-id": message.id,
        "webhook-timestamp": str(now_s),
        "webhook-signature": f"v1,{signature}",
        "Content-Type": "application/json",
    }


def _message(
    kind: str, series: Series, open_ms: int, at_ms: int, data: dict[str, object]
) -> WebhookMessage:
    body = {
        "type": kind,
        "timestamp": to_iso(at_ms),
        "data": {"symbol": series.symbol, "interval": series.interval.name, **data},
    }
    event = f"{kind} {series.name} {open_ms} {at_ms}".encode()
    return WebhookMessage(
        f"msg_{hashlib.sha256(event).hexdigest()[:_ID_CHARS]}", exact_json.dumps(body).decode()
    )
