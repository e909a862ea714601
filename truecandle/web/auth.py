"""Who is asking: sessions of browsers, tokens of scripts, and where a post may come from.

Never here: routes, how a password is hashed, what is kept in Redis (`store/accounts`).
Invariant: a request with a token is judged by the token alone; one without needs our own page's
CSRF token for everything that changes something.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar

from flask import Flask, Request, request, session
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from truecandle.store.credentials import Credential, Scope, digest_of
from truecandle.web import passwords
from truecandle.web.csrf import MaskedCsrf
from truecandle.web.errors import Problem
from truecandle.web.forwarded import client_address
from truecandle.web.origin import is_own
from truecandle.web.rate_limit import SIGN_IN_PER_ADDRESS, SIGN_IN_PER_USER
from truecandle.web.services import services

View = TypeVar("View", bound=Callable[..., Any])

#: The blueprint that people sign in on; everything else that is changed takes somebody signed in.
PAGES: Final = "pages"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
WRONG: Final = "Wrong name or password."
SPENT: Final = "This link was used already or is too old."
TOO_OFTEN: Final = "Too many attempts to sign in."

_csrf = MaskedCsrf()
_log = logging.getLogger("truecandle.web.auth")


class User(UserMixin):  # type: ignore[misc]
    """Somebody who is signed in. `scope` is `read` or `write`; a session may write."""

    def __init__(self, credential: Credential, scope: Scope = "write", secret: str = "") -> None:
        self.name = credential.user
        self.credential = credential
        self.scope = scope
        self._secret = secret

    def get_id(self) -> str:
        """What the signed cookie holds: the session's secret and its user's name."""
        return f"{self._secret} {self.name}"


def init_app(app: Flask) -> None:
    login = LoginManager(app)
    login.session_protection = None
    login.user_loader(_from_cookie)
    login.request_loader(_from_token)
    _csrf.init_app(app)
    app.before_request(_protect)


def require_read(view: View) -> View:
    """For views that read: signed in, a token, or anybody with `PUBLIC_READS`."""

    @wraps(view)
    def checked(*args: Any, **kwargs: Any) -> Any:
        if not may_read():
            raise unauthorized()
        return view(*args, **kwargs)

    return checked  # type: ignore[return-value]


def require_user(view: View) -> View:
    """For views of one's own: signed in, or a token, whatever `PUBLIC_READS` says."""

    @wraps(view)
    def checked(*args: Any, **kwargs: Any) -> Any:
        if not current_user.is_authenticated:
            raise unauthorized()
        return view(*args, **kwargs)

    return checked  # type: ignore[return-value]


def require_write(view: View) -> View:
    """For views that write: signed in, or a token with the scope `write`."""

    @wraps(view)
    def checked(*args: Any, **kwargs: Any) -> Any:
        if not current_user.is_authenticated:
            raise unauthorized()
        if current_user.scope != "write":
            raise Problem(403, "scope", "This token may only read; writing needs --scope write.")
        return view(*args, **kwargs)

    return checked  # type: ignore[return-value]


def may_read() -> bool:
    """Whether this request may read market data."""
    if services().settings.public_reads and bearer(request) is None:
        return True
    return bool(current_user.is_authenticated)


def unauthorized() -> Problem:
    detail = "Sign in, or send an API token: `Authorization: Bearer TOKEN`."
    return Problem(401, "unauthorized", detail, {"WWW-Authenticate": 'Bearer realm="TrueCandle"'})


def bearer(of: Request) -> str | None:
    """The token of a request; None without one."""
    scheme, _, secret = of.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def token_user(secret: str) -> User | None:
    """The user of a token, as REST and Socket.IO take it."""
    found = services().credentials.token(secret)
    return User(found[1], found[0].scope) if found else None


def sign_in(name: str, password: str) -> None:
    """Signs the browser in, or raises `Problem`: 401 wrong, 429 too often."""
    rate_limiter, address, who = services().rate_limiter, _address(), digest_of(name)
    rate_limiter.hit(SIGN_IN_PER_ADDRESS, TOO_OFTEN, address)
    rate_limiter.hit(SIGN_IN_PER_USER, TOO_OFTEN, address, who)
    account = services().accounts.get(name)
    known = account.password if account else ""
    is_right = len(password) <= passwords.CHARS_MAX and services().server.run_blocking(
        passwords.verify, password, known
    )
    if account is None or not is_right:
        _log.warning("sign-in refused: user=%s address=%s", name[:64], address)
        raise Problem(401, "credentials", WRONG)
    rate_limiter.forgive(SIGN_IN_PER_ADDRESS, address)
    rate_limiter.clear(SIGN_IN_PER_USER, address, who)
    if passwords.is_outdated(known):
        services().accounts.rehash(
            name, known, services().server.run_blocking(passwords.hashed, password)
        )
    _begin(account.name)


def sign_in_by_link(secret: str) -> None:
    """Signs the browser in with a one-time link, or raises `Problem` 401."""
    services().rate_limiter.hit(SIGN_IN_PER_ADDRESS, TOO_OFTEN, _address())
    name = services().accounts.take_link(secret)
    if name is None:
        raise Problem(401, "link", SPENT)
    services().rate_limiter.forgive(SIGN_IN_PER_ADDRESS, _address())
    _begin(name)


def sign_out() -> None:
    """Ends the session here and in Redis; its sockets follow within a second (`sockets`)."""
    if current_user.is_authenticated:
        services().credentials.close(current_user.credential.digest)
        _log.info("signed out: user=%s", current_user.name)
    logout_user()
    session.clear()


def _begin(name: str) -> None:
    """A new session under a new id, whatever the browser came with."""
    secret = services().credentials.open(name, services().clock.machine_ms())
    if secret is None:
        raise Problem(401, "credentials", WRONG)
    session.clear()
    session.permanent = True
    login_user(User(Credential("session", digest_of(secret), name), secret=secret))
    _log.info("signed in: user=%s address=%s", name, _address())


def _from_cookie(cookie_id: str) -> User | None:
    if bearer(request) is not None:
        return None
    secret, _, name = cookie_id.partition(" ")
    credential = services().credentials.session(secret, name, services().clock.machine_ms())
    return User(credential, secret=secret) if credential else None


def _from_token(of: Request) -> User | None:
    secret = bearer(of)
    return token_user(secret) if secret else None


def _protect() -> None:
    """Posts of a browser come from our own page, and prove it twice: by origin and by token."""
    if request.method in SAFE_METHODS or request.endpoint is None or bearer(request) is not None:
        return
    if request.blueprint != PAGES and not current_user.is_authenticated:
        raise unauthorized()
    _check_origin()
    _csrf.protect()


def _check_origin() -> None:
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    is_foreign = site is not None and site not in ("same-origin", "none")
    public_url = services().settings.public_url
    if is_foreign or (origin is not None and not is_own(origin, request.environ, public_url)):
        raise Problem(403, "origin", "Only pages of this server may send this.")


def _address() -> str:
    return client_address(request.environ)
