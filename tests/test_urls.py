"""URLs of settings: what is taken is opened as it looks, what is refused is refused in words.

Never here: the processes that read them (`tests/house/test_secrets.py`).
Invariant: no refusal quotes anything of a URL.
"""

from __future__ import annotations

import secrets
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.connection import SSLConnection, parse_url

from tests.support.shown_secrets import QUOTED, SECRET, shows
from truecandle.config import Settings, read_settings
from truecandle.errors import SettingsError
from truecandle.urls import password_of, redis_url

#: What redis-py makes of it: host, port, database, user, password (None: its own default).
TAKEN = {
    "redis://127.0.0.1:6390/0": ("127.0.0.1", 6390, 0, None, None),
    "redis://127.0.0.1": ("127.0.0.1", None, None, None, None),
    "redis://redis/": ("redis", None, None, None, None),
    "redis://redis_1.inside.:6379/15": ("redis_1.inside.", 6379, 15, None, None),
    "redis://[::1]:6379/1": ("::1", 6379, 1, None, None),
    "redis://[::1]": ("::1", None, None, None, None),
    f"redis://:{QUOTED}@h/2": ("h", None, 2, None, SECRET),
    f"redis://ann:{QUOTED}@h:7/3": ("h", 7, 3, "ann", SECRET),
    "redis://ann:a:b,c@h": ("h", None, None, "ann", "a:b,c"),
    "redis://ann:a+b%20c%2525@h": ("h", None, None, "ann", "a+b c%25"),
    "redis://:p%C3%A4ss@h": ("h", None, None, None, "päss"),
}

REFUSED = [
    text.replace("SECRET", secret)
    for secret in (SECRET, QUOTED)
    for text in (
        "SECRET",
        "redis:SECRET",
        "redis:/SECRET",
        "http://:SECRET@h/0",
        "unix://:SECRET@/tmp/redis.sock",
        "redis+sentinel://:SECRET@a:1,b:2/0/name",
        "REDIS://:SECRET@h/0",
        "redis://",
        "redis:///0",
        "redis://:SECRET@",
        "redis://:SECRET@/0",
        "redis://:SECRET@:6379/0",
        "redis://:SECRET@h/abc",
        "redis://:SECRET@h/0/1",
        "redis://:SECRET@h//1",
        "redis://:SECRET@h/0/",
        "redis://:SECRET@h/00",
        "redis://:SECRET@h/-1",
        "redis://:SECRET@h/1.0",
        "redis://:SECRET@h/ 1",
        "redis://:SECRET@h/%31",
        "redis://:SECRET@h/99999999999",
        "redis://:SECRET@h/2147483647",
        "redis://:SECRET@a,b/0",
        "redis://:SECRET@a:1,b:2/0",
        "redis://:SECRET@h:0/0",
        "redis://:SECRET@h:/0",
        "redis://:SECRET@h:65536/0",
        "redis://:SECRET@h:-1/0",
        "redis://:SECRET@h:6379a/0",
        "redis://:SECRET@h:６379/0",
        "redis://:SECRET@h:1:2/0",
        "redis://:SECRET@::1/0",
        "redis://:SECRET@[::1/0",
        "redis://:SECRET@[h]/0",
        "redis://:SECRET@[::1]x/0",
        "redis://:SECRET@h..x/0",
        "redis://:SECRET@-h/0",
        f"redis://:SECRET@{'a' * 64}/0",
        "redis://:SECRET@h%31/0",
        "redis://:SECRET@hö/0",
        "redis://:SECRET@h\\x/0",
        "redis://:SECRET@h\t/0",
        "redis://:SECRET@h/0?db=1",
        "redis://:SECRET@h/0?socket_timeout=100",
        "redis://:SECRET@h/0?password=SECRET",
        "redis://:SECRET@h/0?ssl_cert_reqs=none",
        "redis://:SECRET@h/0?",
        "redis://:SECRET@h/0#",
        "redis://:SECRET@h/0#1",
        "rediss://:SECRET@h/0?ssl_cert_reqs=maybe",
        "rediss://:SECRET@h/0?ssl_cert_reqs=none&ssl_cert_reqs=required",
        "rediss://:SECRET@h/0?ssl_ca_certs=",
        "rediss://:SECRET@h/0?ssl_ca_certs=a+b",
        "rediss://:SECRET@h/0?ssl_ca_certs=%f",
        "rediss://:SECRET@h/0?ssl_password=SECRET",
        "redis://SECRET@h/0",
        "redis://ann:@h/0",
        "redis://:@h/0",
        "redis://@h/0",
        "redis://:SECRET%@h/0",
        "redis://:SECRET%zz@h/0",
        "redis://:SECRET%ff@h/0",
        "redis://:SECRETä@h/0",
        "redis://:SECRET@x@h/0",
        "redis://:SECRET[@h/0",
        "redis://:SECRET<@h/0",
        "redis://:SECRET h/0",
    )
] + [f"redis://{login}@h/0" for login in (f":{SECRET}", f"ann:{SECRET}", f":a{SECRET}b")]

SERVICES = ("BINANCE_REST_URL", "BINANCE_WS_URL", "BINANCE_ARCHIVE_URL", "PUBLIC_URL")
WRONG_SERVICES = (
    "SECRET",
    "://SECRET",
    "http:SECRET",
    "ftp://h/SECRET",
    "HTTPS://h.example",
    "https://",
    "https://user:SECRET@h.example",
    "https://SECRET@h.example",
    "https://@h.example",
    "https://h.example?key=SECRET",
    "https://h.example/?",
    "https://h.example#SECRET",
    "https://h.example/a b",
    "https://h.example/../x",
    "https://h.example//x",
    "https://h.example/%zz",
    "https://h example",
    "https://h.example:0",
    "https://h.example:99999",
    "https://h.example:",
    "https://a.example,b.example",
    "https://[::1",
    "https://::1",
    "https://h..example",
    "https://h.example\\SECRET",
)


def refusal(name: str, value: str) -> str:
    with pytest.raises(SettingsError) as refused:
        read_settings({name: value})
    (problem,) = refused.value.problems
    return problem


@pytest.mark.parametrize("url", TAKEN)
def test_what_is_taken_is_opened_as_it_looks(url: str) -> None:
    assert read_settings({"REDIS_URL": url}).redis_url == url
    found = parse_url(url)
    names = ("host", "port", "db", "username", "password")
    assert tuple(found.get(name) for name in names) == TAKEN[url]


@pytest.mark.parametrize("url", REFUSED)
def test_a_redis_url_that_would_be_misread_is_refused_in_words_that_quote_nothing(url: str) -> None:
    said = refusal("REDIS_URL", url)
    assert said.startswith("REDIS_URL=(not shown): ")
    assert "; allowed: redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]" in said
    assert shows(said) == []


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize("url", WRONG_SERVICES)
def test_other_urls_with_what_would_be_ignored_are_refused(name: str, url: str) -> None:
    if name == "BINANCE_WS_URL":
        url = url.replace("http", "ws")
    said = refusal(name, url.replace("SECRET", SECRET))
    assert said.startswith(f"{name}=(not shown): ") and "; allowed: " in said
    assert shows(said) == []


def test_a_path_is_taken_where_it_is_asked_for_and_refused_where_it_is_not() -> None:
    taken = read_settings({"BINANCE_REST_URL": "https://mirror.example/binance/"})
    assert taken.binance_rest_url == "https://mirror.example/binance"
    below = read_settings({"PUBLIC_URL": "https://a.example/charts/"})
    assert (below.public_url, below.base_path) == ("https://a.example/charts", "/charts")
    alone = read_settings({"PUBLIC_URL": "https://a.example/"})
    assert (alone.public_url, alone.base_path) == ("https://a.example", "")


@pytest.mark.parametrize("path", ["/a%20b", "/a;b", "/a+b", "/a//b", "/a/../b", "/a$b", "/a|b"])
def test_a_path_of_the_page_is_one_that_every_proxy_writes_the_same(path: str) -> None:
    assert "its path" in refusal("PUBLIC_URL", f"https://charts.example{path}")


@pytest.mark.parametrize(
    ("given", "asked_for"),
    {
        "https://bücher.example": "https://xn--bcher-kva.example",
        "https://BÜCHER.example:8443/кs": None,
        "https://例え.テスト/candles": "https://xn--r8jz45g.xn--zckzah/candles",
        "https://Charts.Example": "https://charts.example",
        "https://xn--bcher-kva.example": "https://xn--bcher-kva.example",
        "https://bü cher.example": None,
        "https://-ü.example": None,
        "https://ü@evil.example": None,
    }.items(),
)
def test_an_international_name_becomes_what_browsers_ask_for(
    given: str, asked_for: str | None
) -> None:
    if asked_for is None:
        assert "; allowed: " in refusal("PUBLIC_URL", given)
    else:
        assert read_settings({"PUBLIC_URL": given}).public_url == asked_for


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://h:26379/mymaster", "redis-sentinel://h", "rediss+sentinel://h",
        "sentinel://h", "redis+cluster://h:7000", "redis-cluster://h", "rediss+cluster://h",
        "cluster://h", "redis://127.0.0.1:1,127.0.0.1:2/0", "redis://:pass@a:1,b:2",
    ],
)  # fmt: skip
def test_several_redis_servers_are_refused_by_name(url: str) -> None:
    said = refusal("REDIS_URL", url)
    assert "Redis Sentinel and Redis Cluster are not supported; use one Redis" in said


WEAK = {
    "one word again and again": "abcdefgh" * 4,
    "a sentence again and again": "change-me-" * 4,
    "counted up": "0123456789abcdefghijklmnopqrstuvwxyz",
    "the keyboard": "0123456789012345678901234567890123456789",
    "few characters": "abababcdcdcdabababcdcdcdabababcdcd",
    "short": "a9F-x2",
}


@pytest.mark.parametrize("key", WEAK.values(), ids=WEAK)
def test_a_secret_key_that_can_be_guessed_is_refused_beyond_loopback(key: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({"SECRET_KEY": key, "HOST": "0.0.0.0"})
    (problem,) = refused.value.problems
    assert problem.startswith("SECRET_KEY=(not shown): ") and key not in problem
    assert read_settings({"SECRET_KEY": key}).secret_key == key


def test_random_secret_keys_are_taken() -> None:
    for make in (secrets.token_hex, secrets.token_urlsafe, lambda n: secrets.token_hex(n // 2)):
        for _ in range(2_000):
            key = make(32)
            assert read_settings({"SECRET_KEY": key, "HOST": "0.0.0.0"}).secret_key == key


def test_trusted_proxies_are_addresses_and_networks() -> None:
    given = read_settings({"TRUSTED_PROXIES": " 127.0.0.1, 172.18.0.0/16 ,fd00::/8,127.0.0.1/32"})
    assert [str(one) for one in given.trusted_proxies] == [
        "127.0.0.1/32", "172.18.0.0/16", "fd00::/8",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["nginx", "*", "0.0.0.0/0", "::/0", "172.18.0.1/16", "10.0.0.1/33", "1.2.3", ",", "on"]
)
def test_trusted_proxies_that_are_none_or_everybody_are_refused(text: str) -> None:
    said = refusal("TRUSTED_PROXIES", text)
    assert said.startswith(f"TRUSTED_PROXIES={text!r}: allowed: 1 to 100 addresses and networks")


def test_the_defaults_are_what_their_readers_take() -> None:
    given = Settings()
    names = (*SERVICES[:3], "REDIS_URL")
    env = {name: getattr(given, name.lower()) for name in names}
    assert read_settings(env) == given


def test_tls_options_are_handed_on() -> None:
    url = "rediss://h:6380/0?ssl_cert_reqs=required&ssl_ca_certs=%2Fetc%2Fca.pem"
    assert redis_url(url) == url
    found = parse_url(url)
    assert found["connection_class"] is SSLConnection
    assert (found["ssl_cert_reqs"], found["ssl_ca_certs"]) == ("required", "/etc/ca.pem")


#: Pieces of which people and mishaps make URLs.
WORDS = "redis:// unix:// : @ / ? # , [ ] ::1 % %2F %zz h h.example 6379 0 1 abc db=1 user"
PIECES = st.sampled_from(WORDS.split())


@given(st.lists(PIECES, max_size=9))
def test_whatever_is_taken_holds_nothing_that_redis_py_passes_over(pieces: list[str]) -> None:
    url = "redis://" + "".join(pieces)
    try:
        redis_url(url)
    except ValueError:
        return
    found = parse_url(url)
    login = ""
    if "password" in found:
        login = f"{found.get('username', '')}:{found['password']}@"
    host = f"[{found['host']}]" if ":" in found["host"] else found["host"]
    port = f":{found['port']}" if "port" in found else ""
    database = f"/{found['db']}" if "db" in found else ""
    assert f"redis://{login}{host}{port}{database}" == unquote(url.removesuffix("/"))
    assert set(found) <= {"username", "password", "host", "port", "db"}


def test_settings_as_text_show_no_secret() -> None:
    given = Settings(redis_url=f"redis://:{QUOTED}@h", secret_key=SECRET, public_url=SECRET)
    assert shows(repr(given)) == []
    assert set(password_of(given.redis_url)) == {SECRET, QUOTED}
