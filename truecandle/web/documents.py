"""What `/drawings`, `/layouts` and `/study-templates` share: a user's documents, saved by version.

Never here: what stands in a document, routes.
Invariant: whoever saves over a version that he has not seen is told the newer one (409), and has
changed nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from flask import Blueprint, request
from flask_login import current_user

from truecandle import exact_json
from truecandle.candles.decimals import COUNT_END
from truecandle.errors import CandleError
from truecandle.store import user_documents
from truecandle.store.user_documents import (
    KIND_BYTES_MAX,
    DocumentKind,
    Outcome,
    StoredDocument,
)
from truecandle.web import json_body
from truecandle.web.auth import unauthorized
from truecandle.web.errors import Problem
from truecandle.web.fields import shown
from truecandle.web.query import reject_parameters
from truecandle.web.rate_limit import SAVES
from truecandle.web.services import services

BODY_BYTES_MAX: Final = 64 * 1024
NAME_CHARS_MAX: Final = 60

Told = Callable[[StoredDocument], dict[str, Any]]


def allow_larger_bodies(bp: Blueprint) -> None:
    """Lets the requests of these paths be as large as a document. It is said before anything else
    looks at the request: the check of the CSRF token asks whether there is a form in it.
    """

    @bp.url_value_preprocessor
    def _allow(_endpoint: str | None, _values: Mapping[str, Any] | None) -> None:
        request.max_content_length = BODY_BYTES_MAX


def find(kind: DocumentKind, name: str) -> StoredDocument:
    """The document of the one who asks; of version 0 where there is none."""
    reject_parameters(request.args)
    return user_documents.read(services().redis, kind, current_user.name, name)


def find_all(kind: DocumentKind) -> dict[str, StoredDocument]:
    """All of a kind that the one who asks has, by name."""
    reject_parameters(request.args)
    return user_documents.read_all(services().redis, kind, current_user.name)


def given(field: str) -> tuple[Any, int]:
    """What a request wants to be saved, unchecked, and the version that it is to replace."""
    reject_parameters(request.args)
    body = json_body.read(request, frozenset({field, "version"}), BODY_BYTES_MAX)
    version = body["version"]
    if type(version) is not int or not 0 <= version < COUNT_END:
        raise CandleError("version", shown(version), "the version that is replaced; 0: none yet")
    return body[field], version


def save(
    kind: DocumentKind, name: str, content: object, version: int, told: Told
) -> StoredDocument:
    """Saves for the one who asks; None for content takes away. `Problem` where that is refused;
    `told` says what a conflict is answered with.
    """
    services().rate_limiter.hit(SAVES, "At most 60 are saved a minute.", current_user.name)
    text = "" if content is None else exact_json.dumps(_exact(content)).decode()
    document = StoredDocument(text, version)
    outcome, stored = user_documents.save(services().redis, kind, current_user.name, name, document)
    if outcome != "saved":
        raise _refused(outcome, kind, told(stored))
    return stored


def remove(kind: DocumentKind, name: str) -> bool:
    """Takes one of the one who asks away; False if there is none."""
    reject_parameters(request.args)
    return user_documents.remove(services().redis, kind, current_user.name, name)


def parse_name(text: str) -> str:
    """A name that people give: letters of any script, digits, signs and spaces between them."""
    is_sound = len(text) <= NAME_CHARS_MAX and text.isprintable() and text == text.strip()
    if is_sound and text not in ("", ".", ".."):
        return text
    allowed = f"1 to {NAME_CHARS_MAX} characters, no space at an end, no '/', none unseen"
    raise CandleError("name", text, allowed)


def _exact(value: Any) -> Any:
    """The same with every `Decimal` as JSON keeps it."""
    if isinstance(value, Decimal):
        return exact_json.Exact(f"{value:f}")
    if isinstance(value, dict):
        return {name: _exact(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_exact(one) for one in value]
    return value


def _refused(outcome: Outcome, kind: DocumentKind, current: dict[str, Any]) -> Problem:
    if outcome == "gone":
        return unauthorized()
    if outcome == "full":
        detail = f"There are {kind.count_max} {kind.noun} already; remove one first."
        return Problem(409, "too-many", detail)
    if outcome == "large":
        size = f"{KIND_BYTES_MAX >> 20} MiB"
        return Problem(413, "too-large", f"All {kind.noun} together may take {size}.")
    detail = f"It was changed meanwhile: the newest version is {current['version']}."
    return Problem(409, "conflict", detail, more={"current": current})
