"""One receiver of webhooks, and one request to it.

Never here: when to try again, what a message says.
Invariant: a request ends within `ANSWER_S`, goes to the URL of the settings and nowhere else: no
redirect is followed, no proxy or password of the environment is used, no answer is read.
"""

from __future__ import annotations

import hashlib
from typing import Final

import requests

import truecandle
from truecandle.binance.rest.deadline import DeadlineAdapter, RequestDeadlines
from truecandle.errors import DeliveryFailed
from truecandle.urls import without_path
from truecandle.webhooks import messages
from truecandle.webhooks.messages import WebhookMessage

#: How long a receiver may take, from the first byte to the head of its answer.
ANSWER_S: Final = 10.0

_NAME_CHARS: Final = 12


class Receiver:
    """`deliver` from one thread at a time."""

    def __init__(self, url: str, secret: str, deadlines: RequestDeadlines | None = None) -> None:
        self.name = name_of(url)
        self.shown = without_path(url)
        self._url = url
        self._secret = secret
        self._deadlines = deadlines or RequestDeadlines()
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["User-Agent"] = f"TrueCandle/{truecandle.__version__}"
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, DeadlineAdapter(max_retries=0))

    def deliver(self, message: WebhookMessage, now_s: int) -> None:
        """Returns once the receiver has taken it (2xx), else raises `DeliveryFailed`."""
        headers = messages.headers(message, self._secret, now_s)
        try:
            with (
                self._deadlines.limit(ANSWER_S),
                self._session.post(
                    self._url,
                    data=message.body.encode(),
                    headers=headers,
                    timeout=ANSWER_S,
                    allow_redirects=False,
                    stream=True,
                ) as answer,
            ):
                status = answer.status_code
        except (requests.RequestException, OSError) as error:
            # Its text may quote the path of the URL, which may be a secret.
            raise DeliveryFailed(f"no answer ({type(error).__name__})", 0) from None
        if not 200 <= status < 300:
            raise DeliveryFailed(f"HTTP {status}", status)


def name_of(url: str) -> str:
    """What a receiver is called in Redis: its URL may hold a secret."""
    return hashlib.sha256(url.encode()).hexdigest()[:_NAME_CHARS]
