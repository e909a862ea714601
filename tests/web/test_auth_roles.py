"""Every route, in every role, by session and by token, as `docs/authorisation.md` has it.

Never here: what a request that is let in does.
Invariant: the table and the application have the same routes.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Any, Final, get_args

import pytest
from flask import Flask
from redis import Redis
from werkzeug.test import TestResponse

from tests.support.project_files import ROOT
from tests.support.web_app import NOW_MS, Browser, Time, build, known_hash, said
from truecandle.candles.instrument import Instrument
from truecandle.config import Settings
from truecandle.store import markets
from truecandle.store.accounts import Accounts
from truecandle.store.credentials import CredentialStore, Scope
from truecandle.store.markets import FollowedMarket, Follower
from truecandle.store.user_roles import USER_ROLES, UserRole
from truecandle.web import followed_markets

ROW = re.compile(r"^\| `(\w+) (/\S*)` \| " + r" \| ".join([r"(\w+)"] * 6) + r" \|$", re.M)
WHO = ("anonymous", *USER_ROLES, "read", "write")
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
#: What a refusal for lack of a right says to scripts.
REFUSED = {"unauthorized", "role", "scope", "session"}


@dataclass(frozen=True)
class Row:
    """A line of the table: a request, and what it says of each that may send it."""

    method: str
    rule: str
    cells: dict[str, str]

    @property
    def name(self) -> str:
        return f"{self.method} {self.rule}"


def table() -> list[Row]:
    text = (ROOT / "docs" / "authorisation.md").read_text(encoding="utf-8")
    return [Row(m[0], m[1], dict(zip(WHO, m[2:], strict=True))) for m in ROW.findall(text)]


class Cast:
    """A user of each role, with a browser, tokens, a market that nobody but he followed and a token
    to be ended.
    """

    def __init__(self, app: Flask, redis: Redis) -> None:
        self.app = app
        self.redis = redis
        self.browsers: dict[str, Browser] = {}
        self.tokens: dict[tuple[str, str], dict[str, str]] = {}
        for role in USER_ROLES:
            Accounts(redis).add(role, known_hash(), NOW_MS, role)
            self.browsers[role] = Browser(app)
            link = Accounts(redis).add_link(role)
            assert self.browsers[role].post("/login/link", {"link": link}).status_code == 200
            for scope in SCOPES:
                self.tokens[role, scope] = self.issue(role, scope)

    def issue(self, role: str, scope: Scope) -> dict[str, str]:
        secret = CredentialStore(self.redis).issue(role, "", scope, NOW_MS)
        return {"Authorization": f"Bearer {secret}"}

    def send(self, row: Row, role: str, scope: str | None, owner: str) -> TestResponse:
        """The request, without a body that could do anything, about something of the owner's."""
        path = row.rule.replace("<symbol>", self.market_of(owner)).replace("<name>", "none")
        fields: dict[str, Any] = {}
        if row.rule == "/account/tokens/end":
            fields["id"] = self.token_of(owner)
        if scope is not None:
            client, headers = self.app.test_client(), self.tokens[role, scope]
            return client.open(path, method=row.method, headers=headers, data=fields)
        browser = self.browsers.get(role) or Browser(self.app)
        headers = {"X-CSRFToken": browser.csrf()} if row.method != "GET" else {}
        if row.name == "POST /logout":
            browser = Browser(self.app)  # the others are needed still
            headers = {"X-CSRFToken": browser.csrf()}
        return browser.client.open(path, method=row.method, headers=headers, data=fields)

    def market_of(self, owner: str) -> str:
        symbol = f"{owner.upper()}USDT"
        markets.follow(self.redis, FollowedMarket(Instrument(symbol)), Follower(owner, 20))
        return symbol

    def token_of(self, owner: str) -> str:
        CredentialStore(self.redis).issue(owner, "to be ended", "read", NOW_MS)
        tokens = CredentialStore(self.redis).tokens()
        return next(one.id for one in tokens if (one.user, one.label) == (owner, "to be ended"))


def is_refused(answer: TestResponse, word: str) -> bool:
    """For lack of a right, whatever else may be wrong with the request. What is somebody else's may
    as well not be there.
    """
    if word == "own" and answer.status_code == 404:
        return True
    if answer.status_code == 303:
        is_sent_away = not answer.request.path.startswith(("/login", "/logout"))
        return is_sent_away and answer.headers["Location"].startswith("/login")
    if answer.mimetype == "application/problem+json":
        return said(answer)["code"] in REFUSED
    is_page_of_problem = "<title>Account" not in answer.text
    return (
        answer.status_code in (401, 403) and is_page_of_problem and "Sign in ·" not in answer.text
    )


def owners(row: Row) -> tuple[str, ...]:
    """Whose things the request is about, where that makes a difference."""
    return ("trader", "viewer") if "own" in row.cells.values() else ("trader",)


def expected(row: Row, role: str, scope: str | None, owner: str, is_public: bool) -> bool:
    word = row.cells[role]
    if scope is not None and row.cells[scope] != "yes":
        return False
    return word == "yes" or (word == "own" and owner == role) or (word == "public" and is_public)


def test_the_table_has_every_route_of_the_application(app: Flask) -> None:
    ours = {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {row.name for row in table()} == ours
    assert len(table()) == len(ours)


@pytest.mark.parametrize("is_public", [False, True])
def test_every_request_is_let_in_or_refused_as_the_table_says(
    settings: Settings, redis: Redis, is_public: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followed_markets, "WAIT_S", 0.0)
    markets.followed(redis, settings.symbols)
    cast = Cast(build(settings, Time(), public_reads=is_public), redis)
    wrong = []
    people = [("anonymous", None), *itertools.product(USER_ROLES, (None, "read", "write"))]
    asked = ((row, *who, owner) for row in table() for who in people for owner in owners(row))
    for row, role, scope, owner in asked:
        redis.delete("nothing", *redis.scan_iter("limit*"))
        answer = cast.send(row, role, scope, owner)
        is_in = not is_refused(answer, row.cells[role])
        if is_in != expected(row, role, scope, owner, is_public):
            wrong.append(f"{row.name} as {role} ({scope}), {owner}'s: {answer.status_code}")
    assert wrong == []


def test_a_refusal_names_the_role_that_is_needed(
    app: Flask, browser: Browser, redis: Redis
) -> None:
    cast = Cast(app, redis)
    viewer = cast.app.test_client()
    answer = viewer.post("/markets", json={"symbol": "X"}, headers=cast.tokens["viewer", "write"])
    assert (answer.status_code, answer.mimetype) == (403, "application/problem+json")
    assert said(answer)["detail"] == "This needs the role trader; yours is viewer."
    header = cast.tokens["trader", "write"]
    answer = viewer.delete("/markets/BTCUSDT", headers=header)
    assert (answer.status_code, said(answer)["code"]) == (403, "role")
    assert "needs the role admin" in said(answer)["detail"]


def test_an_account_from_before_there_were_roles_is_an_admin(ann: Browser, redis: Redis) -> None:
    redis.hdel("user:ann", "role")
    account = Accounts(redis).get("ann")
    assert account and account.role == "admin"
    redis.hset("user:ann", "role", "emperor")
    account = Accounts(redis).get("ann")
    assert account and account.role == "viewer"


@pytest.mark.parametrize("role", USER_ROLES)
def test_a_new_role_is_in_force_with_the_next_request(
    ann: Browser, redis: Redis, role: UserRole
) -> None:
    assert Accounts(redis).set_role("ann", role)
    answer = ann.client.delete("/markets/ETHUSDT", headers={"X-CSRFToken": ann.csrf()})
    assert answer.status_code == (204 if role == "admin" else 403)
