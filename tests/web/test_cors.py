"""Pages of other origins read here only where a setting names them, and never as anybody.

Never here: where a post may come from (`test_auth`).
Invariant: without the setting no answer says a word about other origins.
"""

from __future__ import annotations

import pytest
from redis import Redis

from tests.support.web_app import Browser, build, issue
from truecandle.config import Settings, read_settings
from truecandle.errors import SettingsError

HOURS = "/data?symbol=BTCUSDT&interval=1h"
HERE, ELSEWHERE = "https://research.example", "https://evil.example"


def cors(headers: object) -> list[str]:
    return [name for name, _ in headers if name.startswith("Access-Control")]  # type: ignore[attr-defined]


def test_without_the_setting_nothing_is_said_of_other_origins(ann: Browser) -> None:
    assert cors(ann.get(HOURS, Origin=HERE).headers) == []
    asked = {"Origin": HERE, "Access-Control-Request-Method": "GET"}
    assert cors(ann.client.options(HOURS, headers=asked).headers) == []


def test_a_named_origin_reads_by_token_and_others_do_not(settings: Settings, redis: Redis) -> None:
    client = build(settings, cors_origins=(HERE,)).test_client()
    token = issue(redis)
    for path in (HOURS, "/api/v3/ping", "/udf/config", "/markets"):
        answer = client.get(path, headers={**token, "Origin": HERE})
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == HERE
        assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "Origin" in ",".join(answer.headers.getlist("Vary"))
        other = client.get(path, headers={**token, "Origin": ELSEWHERE})
        assert cors(other.headers) == [] and "Origin" in ",".join(other.headers.getlist("Vary"))
    refused = client.get(HOURS, headers={"Origin": HERE})
    assert refused.status_code == 401
    assert refused.headers["Access-Control-Allow-Origin"] == HERE


def test_a_preflight_allows_reading_alone(settings: Settings) -> None:
    client = build(settings, cors_origins=("*",)).test_client()
    asked = {"Origin": HERE, "Access-Control-Request-Method": "POST"}
    answer = client.options("/markets", headers=asked)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (204, "*")
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, HEAD"
    assert "X-MBX-APIKEY" in answer.headers["Access-Control-Allow-Headers"]
    for path in ("/settings", "/account", "/login", "/metrics"):
        assert cors(client.options(path, headers=asked).headers) == []
        assert cors(client.get(path, headers=asked).headers) == []


@pytest.mark.parametrize(
    "text", ["research.example", "https://a.example/path", "*,https://a.example", "null"]
)
def test_what_is_no_origin_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(SettingsError, match="CORS_ORIGINS"):
        read_settings({"CORS_ORIGINS": text})


def test_origins_are_kept_as_browsers_write_them() -> None:
    given = {"CORS_ORIGINS": "https://A.example:443, http://b.example:8080"}
    assert read_settings(given).cors_origins == ("https://a.example", "http://b.example:8080")
