"""Every error as an answer: problem+json (RFC 9457) for scripts, a small page for people.

Never here: what is an error; stack traces or internal names in an answer.
Invariant: an API path never answers in HTML, and every answer names a `code` that scripts can test.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Final

from flask import Flask, Response, current_app, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import ClientDisconnected, HTTPException

from truecandle import exact_json
from truecandle.errors import CandleError, StoreDamaged, StoreUnavailable
from truecandle.log_once import TroubleLog
from truecandle.web import assets, problem_forms
from truecandle.web.request_ids import REQUEST_ID
from truecandle.web.socket_limits import REQUEST_S

#: Paths that people open in a browser. Everything else that exists is for scripts.
PAGE_PATHS: Final = frozenset(
    {"/", "/login", "/login/code", "/logout", "/account", "/docs", "/docs/events"}
)
API_PATHS: Final = frozenset(
    {
        "/data",
        "/live-candle",
        "/audit",
        "/history",
        "/events",
        "/markets",
        "/exchange/markets",
        "/settings",
        "/layouts",
        "/study-templates",
        "/save-live-candle",
        "/login/link",
        "/openapi.json",
        "/asyncapi.json",
        "/healthz",
        "/readyz",
        "/metrics",
    }
)
#: How other such paths begin.
API_STARTS: Final = ("/socket.io", "/markets/", "/drawings/", "/layouts/", "/study-templates/")
RETRY_AFTER_S: Final = 2
KEPT_ELSEWHERE: Final = (
    "No cookie came with it: browsers keep ours only at PUBLIC_URL, by https://. Open the page "
    "there, or set PUBLIC_URL to where it is."
)

#: Errors that Flask and Werkzeug raise by themselves: our code and our words.
_KNOWN: Final = {
    400: ("bad-request", "This request can't be understood."),
    404: ("not-found", "There is nothing at this address."),
    405: ("method", "This address does not take that method."),
    413: ("too-large", "This is more than is taken here."),
    414: ("too-large", "This address is too long."),
    415: ("content-type", "This content type is not taken here."),
    431: ("too-large", "These headers are too long."),
}
_log = logging.getLogger("truecandle.web")
#: What lies in the store lies there for every request.
_troubles = TroubleLog(_log)


class Problem(Exception):
    """An answer other than the one asked for: HTTP status, `code` for scripts, text for people, and
    what else scripts are told (`more`).
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        headers: dict[str, str] | None = None,
        *,
        more: dict[str, object] | None = None,
    ) -> None:
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers or {}
        self.more = more or {}
        super().__init__(detail)


def init_app(app: Flask) -> None:
    """Every exception that leaves a view becomes an answer here."""
    app.register_error_handler(Exception, answer_to)


def answer_to(error: Exception) -> Response:
    """The answer for any exception: the table of this module."""
    problem = _problem(error)
    if isinstance(error, StoreDamaged):
        _troubles.report("the store", error)
    elif problem.status >= 500 and not isinstance(error, StoreUnavailable):
        _log.error("%s %s failed", request.method, request.path, exc_info=error)
    if form := problem_forms.form_of(request.path):
        response = form(problem.status, problem.detail)
    else:
        response = _page(problem) if _wants_page() else _json(problem)
    response.status_code = problem.status
    response.headers.update(problem.headers)
    response.headers["Cache-Control"] = "no-store"
    return response


def _problem(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case CandleError():
            return Problem(400, "parameter", f"{error}")
        case StoreUnavailable():
            detail = "The store does not answer at the moment. Nothing is lost; try again shortly."
            return Problem(503, "unavailable", detail, {"Retry-After": str(RETRY_AFTER_S)})
        case StoreDamaged():
            return Problem(500, "damaged", "The store holds something here that is not a candle.")
        case CSRFError():
            detail = f"{error.description} Load the page again and repeat what you did."
            if _is_cookie_kept_elsewhere():
                detail = f"{detail} {KEPT_ELSEWHERE}"
            return Problem(403, "csrf", detail)
        case ClientDisconnected():
            return Problem(408, "too-slow", f"allowed: {REQUEST_S:.0f} s for a whole request")
        case HTTPException(code=int() as status) if status >= 400:
            methods = error.get_response().headers.get("Allow", "").split(", ")
            allowed = ", ".join(sorted(filter(None, methods)))
            headers = {"Allow": allowed} if allowed else {}
            code, detail = _KNOWN.get(status, ("error", error.description or ""))
            return Problem(
                status, code, f"{detail} Allowed: {allowed}" if allowed else detail, headers
            )
    return Problem(500, "error", "Something went wrong here; it has been logged.")


def _is_cookie_kept_elsewhere() -> bool:
    """Whether no cookie came because browsers keep ours only with TLS, and this was not by TLS."""
    config = current_app.config
    has_come = config["SESSION_COOKIE_NAME"] in request.cookies
    return bool(config["SESSION_COOKIE_SECURE"]) and not has_come and not request.is_secure


def _wants_page() -> bool:
    if request.path in PAGE_PATHS or request.path.startswith("/account/"):
        return True
    if request.path in API_PATHS or request.path.startswith(API_STARTS):
        return False
    accept = request.accept_mimetypes
    return accept["text/html"] > accept["application/json"]


def _json(problem: Problem) -> Response:
    body = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "request_id": request.environ.get(REQUEST_ID, ""),
        **problem.more,
    }
    return Response(exact_json.dumps(body), mimetype="application/problem+json")


def _page(problem: Problem) -> Response:
    """A small page; without style where none was made, for `assets.url` is "" then.

    Rendered without Flask's context, which would ask the store who is signed in.
    """
    page = current_app.jinja_env.get_template("problem.html").render(
        asset=assets.url,
        title=HTTPStatus(problem.status).phrase,
        detail=problem.detail,
        is_passing=problem.status == HTTPStatus.SERVICE_UNAVAILABLE,
    )
    return Response(page, mimetype="text/html")
