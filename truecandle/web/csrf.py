"""CSRF tokens that look different on every page, so that compressing a page tells nothing of them.

A page that is compressed is shorter where what somebody else wrote into it repeats what stands in
it already (BREACH). The token stands there behind a mask that is drawn anew for each page.

Never here: which requests need a token (`auth`).
Invariant: whatever is sent that is no masked token of ours is no token.
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, Final

from flask import Flask
from flask_wtf.csrf import CSRFProtect, generate_csrf

#: No token of ours is longer, masked.
CHARS_MAX: Final = 1_000


class MaskedCsrf(CSRFProtect):  # type: ignore[misc]
    """Flask-WTF's protection, with tokens masked on the way out and unmasked on the way in."""

    def init_app(self, app: Flask) -> None:
        super().init_app(app)
        app.jinja_env.globals["csrf_token"] = _token
        app.context_processor(lambda: {"csrf_token": _token})

    def _get_csrf_token(self) -> Any:
        given = super()._get_csrf_token()
        return unmasked(given) if isinstance(given, str) else given


def masked(token: str) -> str:
    """The token behind a mask of its own length, both in one text."""
    plain = token.encode()
    mask = secrets.token_bytes(len(plain))
    return urlsafe_b64encode(mask + _mixed(plain, mask)).decode()


def unmasked(text: str) -> str:
    """The token; a text that is none where it was no masked token."""
    if len(text) > CHARS_MAX or not text.isascii():
        return "none"
    try:
        both = urlsafe_b64decode(text)
        half = len(both) // 2
        return _mixed(both[half:], both[:half]).decode()
    except ValueError:
        return "none"


def _token() -> str:
    return masked(generate_csrf())


def _mixed(text: bytes, mask: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(text, mask, strict=True))
