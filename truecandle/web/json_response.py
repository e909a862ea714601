"""Answers with JSON that are for the one who asked: never kept by a cache without asking again.

Never here: what is answered, errors as answers (`errors`).
Invariant: no cache shared by several users gives one's answer to another.
"""

from __future__ import annotations

from typing import Final

from flask import Response

from truecandle import exact_json

PRIVATE: Final = "private, no-cache"
#: What decides who asks.
VARY: Final = ("Cookie", "Authorization")


def json_response(value: object, status: int = 200) -> Response:
    """The value as JSON; what is `exact` in it keeps its text."""
    return private(Response(exact_json.dumps(value), status, mimetype="application/json"))


def private(response: Response) -> Response:
    """The answer, marked as for the one who asked."""
    response.headers["Cache-Control"] = PRIVATE
    response.vary.update(VARY)
    return response
