"""Known devices: browsers that have signed in to an account before, by a cookie that says so.

A stranger who guesses at an account uses up what strangers may try; its owner's browsers have
tries of their own (https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies).

Never here: counting tries, letting anybody in: a known device still needs the password.
Invariant: the cookie is signed, hidden from scripts, and worth nothing after a change of password.
"""

from __future__ import annotations

import secrets
from typing import Any, Final

from flask import Flask, Response, current_app, g, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from truecandle.store.accounts import Account
from truecandle.store.credentials import digest_of

COOKIE_MAX_S: Final = 365 * 86_400
#: One browser is known to so many accounts; one more pushes the first out.
ACCOUNTS_MAX: Final = 5
#: No cookie of ours is longer.
CHARS_MAX: Final = 2_000

_NEW: Final = "known_devices"


def init_app(app: Flask) -> None:
    app.after_request(_send)


def device_of(account: Account | None) -> str | None:
    """The id of the browser that asks, where it has signed in to that account before."""
    if account is None:
        return None
    known = _cookie().get(_about(account))
    return known if isinstance(known, str) else None


def has_any() -> bool:
    """Whether the browser that asks may be known to some account; its cookie is not looked at."""
    return _name() in request.cookies


def remember(account: Account) -> None:
    """The browser that asks is known to the account from now on."""
    about, known = _about(account), _cookie()
    device = known.pop(about, None) or secrets.token_urlsafe(16)
    g.setdefault(_NEW, {}).update(dict([*known.items(), (about, device)][-ACCOUNTS_MAX:]))


def _about(account: Account) -> str:
    """What stands for the account, until its next change of password."""
    return digest_of(f"{account.name} {account.epoch}")[:32]


def _cookie() -> dict[str, Any]:
    text = request.cookies.get(_name(), "")
    try:
        found = _signer().loads(text[:CHARS_MAX], max_age=COOKIE_MAX_S)
    except BadSignature:
        return {}
    return found if isinstance(found, dict) else {}


def _send(response: Response) -> Response:
    if known := g.get(_NEW):
        response.set_cookie(
            _name(),
            _signer().dumps(known),
            max_age=COOKIE_MAX_S,
            secure=current_app.config["SESSION_COOKIE_SECURE"],
            httponly=True,
            path=current_app.config["SESSION_COOKIE_PATH"] or "/",
            samesite="Lax",
        )
    return response


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="known-devices")


def _name() -> str:
    return f"{current_app.config['SESSION_COOKIE_NAME']}-device"
