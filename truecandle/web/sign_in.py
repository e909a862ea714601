"""Signing in and out: password, one-time code or link, and how often each may be tried.

Never here: who is asking once it is signed in (`auth`), pages, hashing itself (`passwords`).
Invariant: strangers can neither guess (`rate_limit`) nor keep the owner out: a known device has
tries of its own, and what cannot be guessed (a link, a recovery code) is not counted at all.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
from typing import Final

from flask import current_app, request, session
from flask_login import current_user, login_user, logout_user

from truecandle.store.accounts import Account
from truecandle.store.credentials import Admission, Credential, digest_of
from truecandle.store.second_factors import looks_like_recovery
from truecandle.web import known_devices, passwords, second_factor
from truecandle.web.auth import User
from truecandle.web.errors import Problem
from truecandle.web.forwarded import client_address
from truecandle.web.rate_limit import (
    CODES,
    SIGN_IN_PER_ACCOUNT,
    SIGN_IN_PER_ADDRESS,
    SIGN_IN_PER_DEVICE,
    SIGN_IN_PER_PAIR,
    SIGN_IN_PER_PROOF,
)
from truecandle.web.services import services

WRONG: Final = "Wrong name or password."
WRONG_CODE: Final = "This code is wrong, too old or was used already."
SPENT: Final = "This link was used already or is too old."
TOO_OFTEN: Final = "Too many attempts to sign in."
GUESSED: Final = (
    "Too many attempts to sign in to this account from browsers that it does not know. One that "
    "has signed in to it before still can, and so can who has a recovery code or a one-time link."
)
#: How long the password holds while the code of the second factor is looked up.
FACTOR_S: Final = 300
#: Counters of strangers are shared out to so many places, by a hash that nobody else can compute:
#: however many names and addresses are tried, there are no more of them.
PLACES: Final = 16_384
#: Of an IPv6 address so much is one customer's.
CUSTOMER_BITS: Final = 64

_FACTOR: Final = "factor"
_log = logging.getLogger("truecandle.web.sign_in")


def sign_in(name: str, password: str, recovery: str = "") -> bool:
    """Signs the browser in; False if the second factor's code is still to come (`sign_in_by_code`).

    `recovery`: a recovery code, by which an unknown device proves itself while others guess.
    Raises `Problem`: 401 wrong, 429 too often, 503 too many at once.
    """
    if not recovery and not known_devices.has_any():
        services().hashing.check("strangers")
    account = services().accounts.get(name)
    attempt = _Attempt(name, account, recovery)
    known = account.password if account else ""
    with services().hashing.turn("strangers" if attempt.is_stranger else "known"):
        attempt.count()
        is_right = len(password) <= passwords.CHARS_MAX and services().server.in_thread(
            passwords.verify, password, known
        )
    if account is None or not is_right:
        _log.warning("sign-in refused: user=%s address=%s", name[:64], address())
        raise Problem(401, "credentials", WRONG)
    attempt.forgive()
    if passwords.is_outdated(known):
        services().accounts.rehash(
            name, known, services().server.run_blocking(passwords.hashed, password)
        )
    if recovery and services().factors.spend_recovery(name, recovery):
        begin(account)
        return True
    return _begin_or_ask(account)


def sign_in_by_link(secret: str) -> bool:
    """As `sign_in`, with a one-time link. It cannot be guessed: a right one is never too often."""
    name = services().accounts.take_link(secret)
    account = services().accounts.get(name) if name else None
    if account is None:
        services().rate_limiter.hit(SIGN_IN_PER_ADDRESS, TOO_OFTEN, _place(_customer()))
        raise Problem(401, "link", SPENT)
    return _begin_or_ask(account)


def sign_in_by_code(code: str) -> None:
    """Signs in whom `sign_in` has asked for a code: one of this moment, or a recovery code.

    Raises `Problem`: 401 wrong, or not asked for; 429 too often.
    """
    account = asked_for_code()
    if account is None:
        raise Problem(401, "factor", "The password was given too long ago; begin again.")
    if not _is_code(account, code):
        _log.warning("one-time code refused: user=%s address=%s", account.name, address())
        raise Problem(401, "code", WRONG_CODE)
    begin(account)


def asked_for_code() -> Account | None:
    """Whose password the browser that asks has given just now, while the code is still to come."""
    asked = session.get(_FACTOR)
    if not isinstance(asked, list) or len(asked) != 3:
        return None
    name, mark, at_ms = asked
    account = services().accounts.get(str(name))
    if account is None or not account.factor or _mark(account) != mark:
        return None
    is_fresh = 0 <= services().clock.machine_ms() - int(at_ms) <= FACTOR_S * 1000
    return account if is_fresh else None


def sign_out() -> None:
    """Ends the session here and in Redis; its sockets follow within a second (`sockets`)."""
    if current_user.is_authenticated:
        services().credentials.close(current_user.credential.digest, current_user.name)
        _log.info("signed out: user=%s", current_user.name)
    logout_user()
    session.clear()


def begin(account: Account) -> None:
    """A new session under a new id, whatever the browser came with; the device is known then."""
    browser = "".join(c for c in request.headers.get("User-Agent", "") if c.isprintable())
    now_ms = services().clock.machine_ms()
    secret = services().credentials.open(account.name, now_ms, address(), browser)
    if secret is None:
        raise Problem(401, "credentials", WRONG)
    session.clear()
    session.permanent = True
    credential = Credential("session", digest_of(secret), account.name)
    login_user(User(Admission(credential, account.role), secret=secret))
    known_devices.remember(account)
    _log.info("signed in: user=%s address=%s", account.name, address())


def address() -> str:
    """Where the request comes from."""
    return client_address(request.environ)


class _Attempt:
    """One try of a password: who makes it, and what it is counted against."""

    def __init__(self, name: str, account: Account | None, recovery: str) -> None:
        self._device = known_devices.device_of(account)
        self._proof: str | None = None
        if recovery and account is not None:
            self._proof = services().factors.unused_recovery(name, recovery)
        self._customer = _place(_customer())
        self._pair = _place(f"{_customer()} {name}")
        self._account = _place(name)

    @property
    def is_stranger(self) -> bool:
        return self._device is None and self._proof is None

    def count(self) -> None:
        """Counts the try, or raises `Problem` 429."""
        hit = services().rate_limiter.hit
        if self._device is not None:
            hit(SIGN_IN_PER_DEVICE, TOO_OFTEN, self._device)
        elif self._proof is not None:
            hit(SIGN_IN_PER_PROOF, TOO_OFTEN, self._proof)
        else:
            hit(SIGN_IN_PER_ADDRESS, TOO_OFTEN, self._customer)
            hit(SIGN_IN_PER_PAIR, TOO_OFTEN, self._pair)
            hit(SIGN_IN_PER_ACCOUNT, GUESSED, self._account)

    def forgive(self) -> None:
        """The password was right: nothing was guessed."""
        limiter = services().rate_limiter
        if self._device is not None:
            limiter.clear(SIGN_IN_PER_DEVICE, self._device)
        elif self._proof is None:
            limiter.forgive(SIGN_IN_PER_ADDRESS, self._customer)
            limiter.clear(SIGN_IN_PER_PAIR, self._pair)
            limiter.forgive(SIGN_IN_PER_ACCOUNT, self._account)


def _begin_or_ask(account: Account) -> bool:
    if not account.factor:
        begin(account)
        return True
    session.clear()
    session[_FACTOR] = [account.name, _mark(account), services().clock.machine_ms()]
    return False


def _is_code(account: Account, code: str) -> bool:
    if looks_like_recovery(code) and services().factors.spend_recovery(account.name, code):
        return True
    limiter, device = services().rate_limiter, known_devices.device_of(account)
    counted = (SIGN_IN_PER_DEVICE, device) if device else (CODES, account.name)
    limiter.hit(counted[0], TOO_OFTEN, counted[1])
    if not second_factor.is_right(account, account.factor, code):
        return False
    limiter.forgive(counted[0], counted[1])
    return True


def _mark(account: Account) -> str:
    """What stands for the password that was given: another one after it was changed."""
    return digest_of(f"{account.epoch} {account.factor}")[:32]


def _customer() -> str:
    """The address, or of an IPv6 one the part that one customer has."""
    try:
        found = ipaddress.ip_address(address().partition("%")[0])
    except ValueError:
        return address()
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, CUSTOMER_BITS), strict=False))
    return str(found)


def _place(who: str) -> str:
    """Which of the `PLACES` counts for somebody."""
    key = str(current_app.config["SECRET_KEY"]).encode()
    found = hmac.digest(key, f"place {who}".encode(errors="replace"), hashlib.sha256)
    return str(int.from_bytes(found[:8], "big") % PLACES)
