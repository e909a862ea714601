"""Whether the collector takes traces: asked by a command, without a span and without the library.

Never here: sending spans (`sending`).
Invariant: it is asked once, by the way that spans go, and no header is shown.
"""

from __future__ import annotations

from typing import Final

import requests

from truecandle.binance.rest.http import new_session, reason_of
from truecandle.config import Settings

ANSWER_S: Final = 5.0


def problem(settings: Settings) -> str:
    """What is wrong with it, in words; "" if it takes traces, or none are wanted."""
    if not settings.traces_url:
        return ""
    session = new_session(settings.egress.route(settings.traces_url))
    headers = {**dict(settings.traces_headers), "Content-Type": "application/x-protobuf"}
    try:
        with session.post(
            settings.traces_url,
            data=b"",  # a request without spans, as the protocol writes it
            headers=headers,
            timeout=ANSWER_S,
            allow_redirects=False,
            stream=True,
        ) as answer:
            status = answer.status_code
    except (requests.RequestException, OSError) as error:
        return f"it does not answer: {reason_of(error)}"
    return "" if 200 <= status < 300 else f"it answers HTTP {status}"
