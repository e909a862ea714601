"""`/exchange/markets`: every market that the exchange trades, followed here or not.

Never here: the list itself (`exchange_list`).
Invariant: the whole list is compressed once for all who read it, not for each.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from truecandle.web import compression
from truecandle.web.auth import require_read
from truecandle.web.json_response import private
from truecandle.web.query import parse_symbols_query
from truecandle.web.services import services

bp = Blueprint("exchange", __name__)


@bp.get("/exchange/markets")
@require_read
def exchange_markets() -> Response:
    """Every market that trades and every followed one; with `symbols=A,B` only those of them."""
    wanted = parse_symbols_query(request.args)
    known = services().exchange
    answer = known.some(wanted) if wanted else known.whole()
    if request.if_none_match.contains(answer.etag):
        response = Response(status=304)
    else:
        response = compression.respond(answer.body, answer.coded if not wanted else None)
    response.set_etag(answer.etag)
    return private(response)
