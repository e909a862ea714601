"""Who is asking: sessions of browsers, tokens of scripts, and where a post may come from.

Never here: routes, signing in and out (`sign_in`), what is kept in Redis (`store/accounts`).
Invariant: who may do what is asked of `require_read`, `require_user`, `require_write` and
`require_session`, as docs/authorisation.md has it; a request with a token is judged by the token
alone; one without needs our own page's CSRF token for everything that changes something.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar, cast

from flask import Flask, Request, request
from flask_login import LoginManager, UserMixin, current_user

from truecandle.store.credentials import Admission, Scope
from truecandle.store.user_roles import UserRole, covers
from truecandle.web.csrf import MaskedCsrf
from truecandle.web.errors import Problem
from truecandle.web.origin import IF_OURS, is_own
from truecandle.web.services import services

View = TypeVar("View", bound=Callable[..., Any])

#: The blueprint that people sign in on. Everything else that is changed takes somebody signed in.
PAGES: Final = "pages"
#: Where it stands on a view what it asks of whoever asks it.
_ACCESS: Final = "truecandle_access"
#: Where clients of the exchange put their key: here, a token.
API_KEY: Final = "X-MBX-APIKEY"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_csrf = MaskedCsrf()
_log = logging.getLogger("truecandle.web.auth")


class User(UserMixin):  # type: ignore[misc]
    """Somebody who is signed in. `scope` is `read` or `write`; a session may write what its role
    may.
    """

    def __init__(self, admission: Admission, scope: Scope = "write", secret: str = "") -> None:
        self.credential, self.role = admission
        self.name = self.credential.user
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

    return cast(View, _checks("read", checked))


def require_user(view: View) -> View:
    """For views of one's own: signed in, or a token, whatever `PUBLIC_READS` says."""

    @wraps(view)
    def checked(*args: Any, **kwargs: Any) -> Any:
        if not current_user.is_authenticated:
            raise unauthorized()
        return view(*args, **kwargs)

    return cast(View, _checks("user", checked))


def require_write(role: UserRole) -> Callable[[View], View]:
    """For views that write: a user with that role, signed in or by a token that may write."""

    def checking(view: View) -> View:
        @wraps(view)
        def checked(*args: Any, **kwargs: Any) -> Any:
            if not current_user.is_authenticated:
                raise unauthorized()
            if current_user.scope != "write":
                raise Problem(
                    403, "scope", "This token may only read; writing needs --scope write."
                )
            need_role(role)
            return view(*args, **kwargs)

        return cast(View, _checks("write", checked))

    return checking


def require_session(role: UserRole = "viewer") -> Callable[[View], View]:
    """For views that manage accounts: a browser that is signed in, with that role; no token."""

    def checking(view: View) -> View:
        @wraps(view)
        def checked(*args: Any, **kwargs: Any) -> Any:
            if not current_user.is_authenticated:
                raise unauthorized()
            if current_user.credential.kind != "session":
                raise Problem(403, "session", "A token may not manage accounts; sign in for that.")
            need_role(role)
            return view(*args, **kwargs)

        return cast(View, _checks("session", checked))

    return checking


def access_of(view: Callable[..., Any]) -> str:
    """What is asked of whoever asks this view: `read`, `user`, `write`, `session`, or `public`."""
    return getattr(view, _ACCESS, "public")


def _checks(access: str, view: Any) -> Any:
    setattr(view, _ACCESS, access)
    return view


def need_role(role: UserRole, what: str = "This") -> None:
    """Goes on if the user has that role, else `Problem` 403."""
    if not covers(current_user.role, role):
        told = (current_user.name, current_user.role, role, request.method, request.path)
        _log.warning("refused: user=%s role=%s needs=%s %s %s", *told)
        detail = f"{what} needs the role {role}; yours is {current_user.role}."
        raise Problem(403, "role", detail)


def may_read() -> bool:
    """Whether this request may read market data."""
    if services().settings.public_reads and bearer(request) is None:
        return True
    return bool(current_user.is_authenticated)


def unauthorized() -> Problem:
    detail = "Sign in, or send an API token: `Authorization: Bearer TOKEN`."
    return Problem(401, "unauthorized", detail, {"WWW-Authenticate": 'Bearer realm="TrueCandle"'})


def bearer(of: Request) -> str | None:
    """The token of a request; None without one. Clients of the exchange send theirs as its API key,
    in a header that no page of another origin can send unasked, just like `Authorization`.
    """
    scheme, _, secret = of.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return secret.strip()
    return of.headers.get(API_KEY, "").strip() or None


def token_user(secret: str) -> User | None:
    """The user of a token, as REST and Socket.IO take it."""
    found = services().credentials.token(secret)
    return User(found[1], found[0].scope) if found else None


def _from_cookie(cookie_id: str) -> User | None:
    if bearer(request) is not None:
        return None
    secret, _, name = cookie_id.partition(" ")
    admission = services().credentials.session(secret, name, services().clock.machine_ms())
    return User(admission, secret=secret) if admission else None


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
    public_url = services().settings.public_url
    only = "Only pages of this server may send this."
    if site is not None and site not in ("same-origin", "none"):
        raise Problem(403, "origin", only)
    if origin is not None and not is_own(origin, request.environ, public_url):
        raise Problem(403, "origin", f"{only} {IF_OURS}")
