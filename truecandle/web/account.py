"""`/account`: one's own password, second factor, sessions and tokens; for an admin all users.

Never here: how passwords and codes are checked (`passwords`, `second_factor`), signing in.
Invariant: whoever only holds a session can neither change how the account is signed in to, nor make
what outlives the session, without giving the password once more.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Final

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from truecandle.store.accounts import Account
from truecandle.store.credentials import LABEL_CHARS_MAX
from truecandle.store.second_factors import grouped
from truecandle.store.user_roles import USER_ROLES, covers
from truecandle.web import passwords, second_factor
from truecandle.web.auth import View, require_session, unauthorized
from truecandle.web.errors import Problem
from truecandle.web.rate_limit import CONFIRMATIONS
from truecandle.web.services import services
from truecandle.web.sign_in import begin

bp = Blueprint("account", __name__)

#: Who has no password proves himself by having signed in so shortly before.
FRESH_S: Final = 900
WRONG: Final = "This is not your password."
STALE: Final = "This takes having signed in within 15 minutes; sign out and in again."
#: What a browser's `User-Agent` holds, and how it is called. The first that fits counts: most
#: browsers name Chrome or Safari too.
BROWSERS: Final = {
    "Edg": "Edge", "OPR/": "Opera", "SamsungBrowser/": "Samsung Internet", "Firefox/": "Firefox",
    "FxiOS/": "Firefox", "CriOS/": "Chrome", "Chrome/": "Chrome", "Safari/": "Safari",
}  # fmt: skip
SYSTEMS: Final = {
    "iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows",
    "CrOS": "ChromeOS", "Mac OS X": "macOS", "Linux": "Linux",
}  # fmt: skip


def form(section: str) -> Callable[[View], View]:
    """For forms of the page: a refusal is told in the section of the page that it is about."""

    def telling(view: View) -> View:
        @wraps(view)
        def told(*args: Any, **kwargs: Any) -> Any:
            try:
                return view(*args, **kwargs)
            except Problem as problem:
                page = _page(problem.status, section=section, error=problem.detail)
                page.headers.update(problem.headers)
                return page

        return told  # type: ignore[return-value]

    return telling


@bp.get("/account")
def account() -> AnyResponse:
    """The page; who is not signed in is asked to sign in first."""
    if not current_user.is_authenticated:
        return redirect(url_for("pages.login", next=url_for("account.account")), 303)
    return _shown()


@bp.post("/account/password")
@require_session()
@form("password")
def change_password() -> AnyResponse:
    """A new password: all other sessions end, and the tokens too if that is wished."""
    own, new = _confirmed(), request.form.get("new", "")
    if problem := services().hashing_of(passwords.weakness, new, own.name):
        raise Problem(400, "password", f"{problem[0].upper()}{problem[1:]}.")
    others = len(services().credentials.sessions(own.name, _now_ms())) - 1
    if not services().accounts.set_password(own.name, services().hashing_of(passwords.hashed, new)):
        raise unauthorized()
    ends = request.form.get("tokens") == "end"
    tokens = services().credentials.end_tokens(own.name) if ends else len(_tokens(own.name))
    begin(_own())
    went = f"{_count(tokens, 'API token')} {'ended' if ends else 'still valid'}"
    return _done(f"Password changed. {_count(max(0, others), 'other session')} ended, {went}.")


@bp.post("/account/sessions/end")
@require_session()
@form("sessions")
def end_session() -> AnyResponse:
    """Ends the session with that id, or `others`: all but this one."""
    wanted, own = request.form.get("id", ""), current_user.name
    if wanted == "others":
        keep = current_user.credential.digest
        ended = services().credentials.end_sessions(own, _now_ms(), keep)
        return _done(f"{_count(ended, 'other session')} ended.")
    if not services().credentials.end_session(wanted, own):
        raise Problem(404, "unknown-session", "This session has ended already.")
    return _done("Session ended.")


@bp.post("/account/tokens")
@require_session()
@form("tokens")
def make_token() -> AnyResponse:
    """A new token, which this one answer shows."""
    label, scope = request.form.get("label", "").strip(), request.form.get("scope", "read")
    if len(label) > LABEL_CHARS_MAX or not label.isprintable():
        raise Problem(400, "label", f"A label has at most {LABEL_CHARS_MAX} characters.")
    if scope not in ("read", "write"):
        raise Problem(400, "scope", "A token may read, or read and write.")
    own = _confirmed()
    if scope == "write" and not covers(own.role, "trader"):
        raise Problem(403, "role", f"Writing needs the role trader; yours is {own.role}.")
    secret = services().credentials.issue(
        own.name, label, "write" if scope == "write" else "read", _now_ms()
    )
    if secret is None:
        raise Problem(409, "full", "You have as many tokens as anybody may have; end one first.")
    return _page(200, section="tokens", token=secret)


@bp.post("/account/tokens/end")
@require_session()
@form("tokens")
def end_token() -> AnyResponse:
    """Ends a token of one's own; an admin anybody's."""
    owner = None if covers(current_user.role, "admin") else current_user.name
    if not services().credentials.revoke(request.form.get("id", ""), owner):
        raise Problem(404, "unknown-token", "This token has ended already.")
    return _done("Token ended.")


@bp.post("/account/second-factor")
@require_session()
@form("factor")
def draft_factor() -> AnyResponse:
    """Shows a new secret; it is in force once a code of it was given."""
    own = _confirmed()
    mark = services().factors.draft(own.name)
    if mark is None:
        raise unauthorized()
    return _page(200, section="factor", draft=_draft(own, mark))


@bp.post("/account/second-factor/confirm")
@require_session()
@form("factor")
def confirm_factor() -> AnyResponse:
    """The first code: from now on signing in takes one. Shows the recovery codes, once."""
    own, mark = _own(), services().factors.drafted(current_user.name)
    if mark is None:
        raise Problem(409, "factor", "There is no second factor to confirm; begin again.")
    services().rate_limiter.hit(CONFIRMATIONS, "Too many attempts.", own.name)
    if not second_factor.is_right(own, mark, request.form.get("code", "")):
        detail = "This is not the code of this moment. Is the phone's clock right?"
        return _page(400, section="factor", error=detail, draft=_draft(own, mark))
    return _page(200, section="factor", codes=grouped(services().factors.confirm(own.name, mark)))


@bp.post("/account/second-factor/off")
@require_session()
@form("factor")
def end_factor() -> AnyResponse:
    """The password alone is enough again."""
    if not services().factors.remove(_confirmed().name):
        raise Problem(409, "factor", "There is no second factor.")
    return _done("Second factor ended; its recovery codes are void.")


@bp.post("/account/users/role")
@require_session("admin")
@form("users")
def set_role() -> AnyResponse:
    """Another user's role; nobody changes his own, so that one admin is always left."""
    name, role = request.form.get("name", ""), request.form.get("role", "")
    if role not in USER_ROLES:
        raise Problem(400, "role-name", f"A role is {', '.join(USER_ROLES)}.")
    if name == current_user.name:
        raise Problem(409, "own-role", "Your own role another admin changes, or `flask user role`.")
    if not services().accounts.set_role(name, role):
        raise Problem(404, "unknown-user", "There is no such user.")
    return _done(f"{name} is {role} now.")


@require_session()
def _shown() -> AnyResponse:
    return _page(200)


def _confirmed() -> Account:
    """The account, once its password was given again; `Problem` 403 or 429."""
    own, given = _own(), request.form.get("password", "")
    if not own.password:
        if _now_ms() - _this_session_ms(own.name) > FRESH_S * 1000:
            raise Problem(403, "stale", STALE)
        return own
    services().rate_limiter.hit(CONFIRMATIONS, "Too many attempts.", own.name)
    if len(given) > passwords.CHARS_MAX or not services().hashing_of(
        passwords.verify, given, own.password
    ):
        raise Problem(403, "password", WRONG)
    services().rate_limiter.forgive(CONFIRMATIONS, own.name)
    return own


def _own() -> Account:
    found = services().accounts.get(current_user.name)
    if found is None:
        raise unauthorized()
    return found


def _this_session_ms(name: str) -> int:
    """When the session that asks was begun; 0 if nobody knows any more."""
    mine = current_user.credential.digest
    found = services().credentials.sessions(name, _now_ms())
    return next((one.created_ms for one in found if mine.startswith(one.id)), 0)


def _page(status: int, **shown: Any) -> Response:
    """The page. `section` is the part that `error` and what is shown once belong to."""
    own = _own()
    is_admin = covers(own.role, "admin")
    users = services().accounts.all() if is_admin else []
    page = render_template(
        "account.html",
        own=own,
        sessions=services().credentials.sessions(own.name, _now_ms()),
        this=current_user.credential.digest,
        tokens=_tokens(None if is_admin else own.name),
        recovery_left=services().factors.recovery_left(own.name) if own.factor else 0,
        users=users,
        roles=USER_ROLES,
        may_write=covers(own.role, "trader"),
        day=_day,
        moment=_moment,
        browser=_browser,
        **shown,
    )
    response = Response(page, status, mimetype="text/html")
    response.headers["Cache-Control"] = "no-store"
    return response


def _tokens(name: str | None) -> list[Any]:
    return [token for token in services().credentials.tokens() if name in (None, token.user)]


def _draft(own: Account, mark: str) -> dict[str, str]:
    secret = second_factor.secret(own, mark)
    shown = " ".join(secret[i : i + 4] for i in range(0, len(secret), 4))
    return {"picture": second_factor.picture(own, mark), "secret": shown}


def _done(said: str) -> AnyResponse:
    flash(said)
    return redirect(url_for("account.account"), 303)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _now_ms() -> int:
    return services().clock.machine_ms()


def _browser(agent: str) -> str:
    """`Firefox on Windows`, where that can be told; else what the browser says of itself."""
    found = [
        next((name for mark, name in known.items() if mark in agent), "")
        for known in (BROWSERS, SYSTEMS)
    ]
    return " on ".join(found) if all(found) else agent


def _day(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d")


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
