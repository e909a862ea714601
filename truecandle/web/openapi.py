"""`/openapi.json` and `/docs`: this API described (OpenAPI 3.1), for programs and for people.

Never here: which paths there are and what they take (`api_description`).
Invariant: what a path does is the first sentence of its view, who may ask is what its view checks,
and its parameters are the declarations that read them: none is written down a second time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from flask import Blueprint, Flask, Response, current_app, render_template
from markupsafe import Markup, escape
from werkzeug.routing import Rule

from truecandle.exact_json import dumps
from truecandle.web import problem_forms
from truecandle.web.api_description import JSON, OPERATIONS, PROBLEMS, Operation
from truecandle.web.api_schemas import PARTS
from truecandle.web.auth import access_of
from truecandle.web.json_schema import part
from truecandle.web.parameters import Parameter
from truecandle.web.services import services

bp = Blueprint("description", __name__)

Document = dict[str, Any]

VERSION: Final = "1"
#: What a path's group is called, by its blueprint; others are called as their blueprint.
_GROUPS: Final = {
    "data": "Candles",
    "live_candle": "Candles",
    "history": "Candles",
    "gaps": "Truth",
    "corrections": "Truth",
    "audit": "Truth",
    "markets": "Markets",
    "exchange": "Markets",
    "settings": "What a user keeps",
    "drawings": "What a user keeps",
    "layouts": "What a user keeps",
    "study_templates": "What a user keeps",
    "binance": "In the shape of Binance's API",
    "streams": "In the shape of Binance's API",
    "udf": "TradingView's Universal Data Feed",
    "events": "Candles",
    "health": "Operation",
    "description": "Operation",
    "asyncapi": "Operation",
    "assets": "Pages",
    "pages": "Pages",
    "account": "Pages",
}
_SECURITY: Final[dict[str, list[dict[str, list[str]]]]] = {
    "public": [{}],
    "read": [{"token": []}, {"key": []}, {"session": []}, {}],
    "user": [{"token": []}, {"key": []}, {"session": []}],
    "write": [{"token": []}, {"key": []}, {"session": []}],
    "session": [{"session": []}],
}
_ACCESS: Final = {
    "public": "Open to everybody.",
    "read": "Needs a token or a session, unless the server lets everybody read.",
    "user": "Needs a token or a session.",
    "write": "Needs a token that may write, or a session.",
    "session": "Needs a session: a browser that is signed in.",
}


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path, with the view that answers it."""

    method: str
    rule: Rule
    operation: Operation
    about: str
    access: str

    @property
    def path(self) -> str:
        """As OpenAPI writes it: `/markets/{symbol}`."""
        return re.sub(r"<(?:[a-z]+:)?(\w+)>", r"{\1}", self.rule.rule)

    @property
    def group(self) -> str:
        return _GROUPS[self.rule.endpoint.partition(".")[0]]


@bp.get("/openapi.json")
def openapi() -> Response:
    """This description, for programs."""
    body = dumps(document(current_app, services().settings.base_path))
    response = Response(body, mimetype=JSON)
    response.headers["Cache-Control"] = "no-cache"
    return response


@bp.get("/docs")
def readable() -> str:
    """This description, for people."""
    found: dict[str, list[Route]] = {}
    for route in routes(current_app):
        found.setdefault(route.group, []).append(route)
    groups = {group: found[group] for group in dict.fromkeys(_GROUPS.values()) if group in found}
    return render_template(
        "docs.html",
        groups=groups,
        access=_ACCESS,
        problems=PROBLEMS,
        status=HTTPStatus,
        allowed=allowed,
        marked=marked,
    )


def marked(about: str) -> Markup:
    """A sentence as HTML, with what stands between backticks as code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(about))))


def allowed(schema: Mapping[str, Any]) -> str:
    """What a value may be, in words."""
    if "anyOf" in schema:
        return " or ".join(filter(None, map(allowed, schema["anyOf"])))
    told = str(schema.get("const", ""))
    if "enum" in schema:
        told = ", ".join(schema["enum"])
    elif "maximum" in schema:
        told = f"{schema['minimum']} to {schema['maximum']}"
    elif "examples" in schema:
        told = f"as {schema['examples'][0]}"
    usual = schema.get("default", "")
    return f"{told}; else {usual}" if usual != "" else told


def routes(app: Flask) -> Iterator[Route]:
    """Every route of the application that is described."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            operation = OPERATIONS.get(f"{method} {rule.rule}")
            if operation is not None:
                view = app.view_functions[rule.endpoint]
                about = " ".join((view.__doc__ or "").split())
                yield Route(method, rule, operation, about, access_of(view))


def document(app: Flask, base: str) -> Document:
    """The whole document."""
    paths: dict[str, dict[str, Document]] = {}
    for route in routes(app):
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "TrueCandle",
            "version": VERSION,
            "description": (
                "Candles of Binance, official and live, each saying which it is. Numbers are the "
                "exchange's exact decimal text. Times are UTC."
            ),
        },
        "servers": [{"url": base or "/"}],
        "tags": [{"name": group} for group in dict.fromkeys(_GROUPS.values())],
        "paths": paths,
        "components": {
            "schemas": PARTS,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-MBX-APIKEY"},
                "session": {"type": "apiKey", "in": "cookie", "name": "session"},
            },
        },
    }


def _operation(route: Route) -> Document:
    name = re.sub(r"\W+", "_", f"{route.method.lower()}{route.path}").strip("_")
    described: Document = {
        "operationId": name,
        "tags": [route.group],
        "summary": route.about.split(". ")[0].split("; ")[0].rstrip("."),
        "description": f"{route.about} {_ACCESS[route.access]}",
        "security": _SECURITY[route.access],
        "parameters": [
            *_path_parameters(route.rule),
            *(_parameter(one) for one in route.operation.parameters),
        ],
        "responses": {
            **{str(code): _answer(route, code) for code in route.operation.answers},
            **{str(code): _refusal(route, code) for code in route.operation.problems},
        },
    }
    if route.operation.body is not None:
        content = {JSON: {"schema": route.operation.body}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _path_parameters(rule: Rule) -> Iterator[Document]:
    for name in sorted(rule.arguments):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _parameter(one: Parameter[Any]) -> Document:
    return {
        "name": one.name,
        "in": "query",
        "description": one.about,
        "required": one.is_required,
        "schema": dict(one.schema),
    }


def _answer(route: Route, code: int) -> Document:
    content = route.operation.answers[code]
    described: Document = {"description": HTTPStatus(code).phrase}
    if content:
        described["content"] = {
            mimetype: {"schema": schema} if schema is not None else {}
            for mimetype, schema in content.items()
        }
    headers: Mapping[str, Document] = {
        name: {"schema": {"type": "string"}} for name in route.operation.headers
    }
    return described | ({"headers": headers} if headers else {})


def _refusal(route: Route, code: int) -> Document:
    path = route.path
    if problem_forms.form_of(path) is problem_forms.binance:
        mimetype, schema = JSON, part("BinanceError")
    elif path.startswith(problem_forms.UDF):
        mimetype, schema = JSON, part("UdfError")
    elif "text/html" in {kind for kinds in route.operation.answers.values() for kind in kinds}:
        mimetype, schema = "text/html", {"type": "string"}
    else:
        mimetype, schema = "application/problem+json", part("Problem")
    return {"description": PROBLEMS[code], "content": {mimetype: {"schema": schema}}}
