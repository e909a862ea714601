"""What may come in at the web role, as grammars: HTTP requests, Engine.IO and Socket.IO packets.

Most of what they make is well formed and reaches the application, with values that are right,
nearly right or nothing like it; the rest is damaged on the way.

Never here: sending, assertions.
Invariant: nothing that is made asks the exchange for anything, or signs anybody in.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from truecandle.web.packets import PacketError, kind_of
from truecandle.web.request_head import HeadRefused, split

READ_PATHS = (
    *("/data", "/live-candle", "/gaps", "/corrections", "/audit", "/history", "/markets"),
    *("/exchange/markets", "/settings", "/", "/login", "/healthz", "/metrics", "/static/x.js"),
    *("/nothing", "/socket.io/", "/markets/BTCUSDT", "/drawings/BTCUSDT", "/layouts", "/layouts/a"),
    "/study-templates",
)
WRITE_PATHS = (
    *("/save-live-candle", "/history", "/settings", "/login", "/login/link", "/logout"),
    *("/drawings/BTCUSDT", "/layouts/a", "/study-templates/a"),
)
NAMES = (
    *("symbol", "interval", "limit", "start", "end", "before", "time", "live", "marks"),
    *("summary", "symbols", "next", "EIO", "transport", "sid"),
)
TOKEN_HERE = "TOKEN"
MOMENTS = ("0", "1704141000000", "2024-01-01T18:00:00.000Z", "2024-02-30T00:00:00Z", "-1", "1e3")

odd_text = st.text(max_size=12)
value = st.one_of(
    st.sampled_from(
        ("BTCUSDT", "ETHUSDT", "1h", "1m", "1M", "3d", "ms", "iso", "1", "0", "5000", *MOMENTS)
    ),
    st.integers(-10, 2**70).map(str),
    odd_text,
)
pair = st.tuples(st.one_of(st.sampled_from(NAMES), odd_text), value)
series = st.just([("symbol", "BTCUSDT"), ("interval", "1h")])


def as_query(parts: tuple[list[tuple[str, str]], list[tuple[str, str]]]) -> str:
    return "&".join(f"{quote(name)}={quote(one)}" for part in parts for name, one in part)


query = st.tuples(st.one_of(series, st.just([])), st.lists(pair, max_size=4)).map(as_query)
json_value = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), odd_text),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(odd_text, inner, max_size=4)
    ),
    max_leaves=8,
)
candle = st.dictionaries(
    st.sampled_from(("time", "open", "high", "low", "close", "volume", "isIncomplete", "source")),
    st.one_of(st.sampled_from((1704139200000, 42000, 42000.5, True, "client")), json_value),
)
version = st.one_of(st.integers(0, 3), json_value)
point = st.fixed_dictionaries(
    {"time": st.one_of(st.just(1704139200000), json_value), "price": st.sampled_from(("1.5", "x"))}
)
drawing = st.fixed_dictionaries(
    {
        "id": st.sampled_from(("a", "b", "c", "")),
        "kind": st.sampled_from(("text", "trend", "spiral")),
        "points": st.one_of(st.lists(point, max_size=3), json_value),
    },
    optional={"text": odd_text, "style": json_value, "locked": json_value},
)
study = st.fixed_dictionaries(
    {"id": st.just("a"), "kind": st.sampled_from(("rsi", "magic"))},
    optional={"inputs": st.dictionaries(odd_text, json_value, max_size=3), "style": json_value},
)
body = st.one_of(
    st.fixed_dictionaries(
        {"symbol": st.just("BTCUSDT"), "interval": st.just("1h")},
        optional={"candle": candle, "from": json_value, "settings": json_value},
    ),
    st.fixed_dictionaries({"settings": st.fixed_dictionaries({}, optional={"theme": odd_text})}),
    st.fixed_dictionaries({"drawings": st.lists(drawing, max_size=3), "version": version}),
    st.fixed_dictionaries({"layout": json_value, "version": version}),
    st.fixed_dictionaries({"studies": st.lists(study, max_size=3), "version": version}),
    json_value,
)


@dataclass(frozen=True)
class Sent:
    """One request; `passes` if it is sound HTTP, so that the application sees it."""

    data: bytes
    is_head: bool

    @property
    def passes(self) -> bool:
        try:
            return split(self.data) is not None
        except HeadRefused:
            return False


@st.composite
def requests(draw: st.DrawFn) -> Sent:
    """A request; one of five is damaged."""
    is_read = draw(st.booleans())
    methods = ("GET", "GET", "GET", "HEAD") if is_read else ("POST", "PUT", "DELETE")
    method, path = draw(st.sampled_from(methods)), draw(
        st.sampled_from(READ_PATHS if is_read else WRITE_PATHS)
    )  # fmt: skip
    headers = [b"Host: 127.0.0.1", b"Connection: close", *draw(extra_headers)]
    content = b""
    if not is_read:
        content = json.dumps(draw(body)).encode()[:4_000]
        headers += [b"Content-Type: application/json", b"Content-Length: %d" % len(content)]
    line = f"{method} {path}?{draw(query)} HTTP/1.1".encode("ascii")
    data = b"\r\n".join((line, *headers, b"", content))
    if draw(st.integers(0, 4)) == 0:
        data = draw(damaged(data))
    return Sent(data, data.startswith(b"HEAD"))


extra_headers = st.lists(
    st.one_of(
        st.sampled_from(
            (
                b"Authorization: Bearer " + TOKEN_HERE.encode(), b"Authorization: Bearer x",
                b"Authorization: Basic eDp4", b'If-None-Match: "x"', b"Accept: text/html",
                b"Accept-Encoding: br, gzip;q=x", b"Range: bytes=0-1,5-", b"Expect: 100-continue",
                b"X-Forwarded-For: 1.2.3.4, x", b"Forwarded: for=x", b"Origin: null",
                b"X-CSRFToken: x", b"Cookie: truecandle=x; ;=;", b"Upgrade: websocket",
            )
        ),
        st.binary(max_size=30).map(lambda one: b"X-Odd: " + one),
    ),
    max_size=3,
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """Some bytes more, fewer, or others, at one place."""
    place = draw(st.integers(0, len(data)))
    gone, come = draw(st.integers(0, 5)), draw(st.binary(max_size=5))
    return data[:place] + come + data[place + gone :]


wanted = st.one_of(
    st.fixed_dictionaries(
        {"symbol": st.just("BTCUSDT"), "interval": st.sampled_from(("1h", "1m"))}
    ),
    st.fixed_dictionaries({"symbols": st.lists(st.sampled_from(("BTCUSDT", "ETHUSDT")))}),
    json_value,
)
event = st.tuples(
    st.one_of(st.sampled_from(("subscribe", "unsubscribe", "watch")), odd_text),
    st.lists(wanted, max_size=2),
).map(lambda both: json.dumps([both[0], *both[1]]))
packet = st.one_of(
    st.tuples(st.integers(0, 10**9).map(str), event).map(lambda both: f"42{both[0]}{both[1]}"),
    event.map(lambda text: f"42{text}"),
    st.just("3"),
    st.tuples(
        st.sampled_from("0123456789b"), st.sampled_from(("", "0", "1", "2", "3", "4", "5", "6")),
        st.sampled_from(("", "", "", "1-", "/admin,", "17")),
        st.one_of(json_value.map(json.dumps), odd_text),
    ).map("".join),
)  # fmt: skip
packets = st.lists(packet, min_size=1, max_size=8)


def is_sound(text: str) -> bool:
    """Whether a packet is one that browsers may send, so that the application sees it."""
    try:
        kind_of(text)
    except PacketError:
        return False
    return True


def known(sent: Sent, token: str) -> bytes:
    """The request with a token that is valid, if it has one."""
    data: Any = sent.data
    return bytes(data.replace(TOKEN_HERE.encode(), token.encode()))
