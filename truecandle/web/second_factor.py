"""The second factor: one-time codes (TOTP, RFC 6238) that a phone makes of a secret.

Never here: what is stored of it (`store/second_factors`), how often a code may be tried.
Invariant: the secret is made of the account's mark and the server's own key each time, and is kept
nowhere here; a code is taken once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final

import pyotp
import segno
from flask import current_app

from truecandle.store.accounts import Account
from truecandle.web.services import services

ISSUER: Final = "TrueCandle"
#: 160 bits, as RFC 4226 wants them.
SECRET_BYTES: Final = 20
STEP_S: Final = 30
#: Codes of the step before and the step after are taken too: clocks of phones differ.
STEPS_OFF: Final = 1
CODE_CHARS: Final = 6


def is_right(account: Account, mark: str, code: str) -> bool:
    """Whether a code is one of this moment, and was not taken before; it is taken by this."""
    digits = "".join(code[:20].split())
    if len(digits) != CODE_CHARS:
        return False
    totp, now = _totp(account, mark), services().clock.machine_ms() // 1000 // STEP_S
    for step in range(now - STEPS_OFF, now + STEPS_OFF + 1):
        if hmac.compare_digest(totp.at(step * STEP_S).encode(), digits.encode()):
            return services().factors.spend(mark, step)
    return False


def secret(account: Account, mark: str) -> str:
    """The secret in base32, for whoever types it into a phone."""
    key = str(current_app.config["SECRET_KEY"]).encode()
    message = f"second factor\n{account.name}\n{mark}".encode()
    return base64.b32encode(hmac.digest(key, message, hashlib.sha256)[:SECRET_BYTES]).decode()


def picture(account: Account, mark: str) -> str:
    """The QR code by which a phone takes the secret, as the address of a picture (SVG)."""
    address = _totp(account, mark).provisioning_uri(name=account.name, issuer_name=ISSUER)
    code = segno.make(address, error="m", micro=False)
    return code.svg_data_uri(scale=5, border=4, dark="#000", light="#fff")


def _totp(account: Account, mark: str) -> pyotp.TOTP:
    return pyotp.TOTP(secret(account, mark), digits=CODE_CHARS, interval=STEP_S)
