"""How often somebody may read REST: counted in this process' memory, and told with every answer.

Never here: what must be counted for all processes together (`rate_limit`, which needs Redis).
Invariant: it holds while Redis is away too; each process counts by itself.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Final

from flask import Flask, Response, g, request
from flask_login import current_user

from truecandle.errors import StoreError
from truecandle.web.errors import Problem
from truecandle.web.forwarded import client_address
from truecandle.web.read_quota import Quota
from truecandle.web.read_turns import READS_AT_ONCE
from truecandle.web.services import services
from truecandle.web.socket_limits import group_of

#: What is read, by the blueprints of its paths.
READS: Final = frozenset(
    {
        *("data", "live_candle", "gaps", "corrections", "audit", "history", "markets"),
        *("exchange", "drawings", "layouts", "study_templates", "binance", "udf"),
    }
)


def init_app(app: Flask) -> None:
    """Counts before a view is asked, and tells with its answer. Belongs after `auth`.

    The turn of a stream is over when its last byte has left.
    """
    app.before_request(_count)
    app.after_request(_tell)
    app.teardown_request(_leave)


def paths(app: Flask) -> frozenset[str]:
    """All that is read."""
    return frozenset(
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint.partition(".")[0] in READS and "<" not in rule.rule
    )


def _count() -> None:
    if request.blueprint not in READS or request.method not in ("GET", "HEAD"):
        return
    try:
        known = current_user.credential.digest if current_user.is_authenticated else None
    except StoreError:
        _check(None)
        raise
    _check(known)


def _check(known: str | None) -> None:
    """By session or token; whoever has none that is known by the address, guesses at one too."""
    who = f"credential {known}" if known else f"address {group_of(client_address(request.environ))}"
    quota = g.read_quota = services().read_counter.count(who, time.monotonic())
    if quota.is_over:
        detail = f"At most {quota.limit} reads a minute. Try again in {quota.reset_s} s."
        raise Problem(429, "too-many", detail, {"Retry-After": str(quota.reset_s)})
    if not services().read_turns.enter(who):
        detail = f"At most {READS_AT_ONCE} reads at once. Try again when they are answered."
        raise Problem(429, "too-many", detail, {"Retry-After": "1"})
    g.read_turn = who


def _leave(_: BaseException | None) -> None:
    if (who := g.pop("read_turn", None)) is not None:
        services().read_turns.leave(who)


def _tell(response: Response) -> Response:
    if response.is_streamed and (who := g.pop("read_turn", None)) is not None:
        response.call_on_close(partial(services().read_turns.leave, who))
    quota: Quota | None = g.get("read_quota")
    if quota is not None:
        response.headers.update(quota.headers)
    return response
