"""A message and its signature, as the Standard Webhooks specification has them.

Never here: sending.
Invariant: what is expected was computed by another program.
"""

from __future__ import annotations

from dataclasses import replace

from tests.support.sample_candles import HOURS, START_MS, official
from truecandle.store.official import Correction
from truecandle.webhooks import messages
from truecandle.webhooks.messages import WebhookMessage


def test_the_signature_is_that_of_the_specification() -> None:
    """By `openssl dgst -sha256 -mac HMAC` over id, time and body."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    message = WebhookMessage("msg_p5jXN8AQM9LWM0D4loKWxJek", '{"test": 2432232314}')
    assert messages.headers(message, secret, 1_614_265_330) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        "Content-Type": "application/json",
    }


def test_an_event_has_one_id_and_keeps_its_decimals() -> None:
    one, again = messages.closed(HOURS, official(1)), messages.closed(HOURS, official(1))
    assert one == again and one.id != messages.closed(HOURS, official(2)).id
    assert "." not in one.id and '"candle":[1704070800000,8,9,7,8.5,12.5,' in one.body
    assert '"timestamp":"2024-01-01T02:00:00.000Z"' in one.body
    change = Correction(START_MS, official(0), official(0, "8.123456789"), 5, "daily")
    told = messages.corrected(HOURS, change)
    assert '"old":[1704067200000,8,9,7,8.5,' in told.body and "8.123456789" in told.body
    assert told.id != messages.corrected(HOURS, replace(change, at=6)).id
