"""Bad requests, ten or more for each endpoint, with the status and code each has to get.

Never here: how they are sent (`tests/web/test_errors.py`), good requests.
Invariant: every endpoint of the web role is listed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from tests.support.web_app import FORMING_MS, HOUR_MS
from truecandle.web.security import HEALTH_PATHS

HOURS: Final = "symbol=BTCUSDT&interval=1h"
GOOD: Final[dict[str, Any]] = {
    "time": FORMING_MS, "open": 42050, "high": 42100, "low": 42000, "close": 42060, "volume": 1,
}  # fmt: skip


@dataclass(frozen=True)
class Bad:
    """One request of a signed-in browser (unless `who` is `nobody` or `reader`, a read token)."""

    shown: str
    status: int
    code: str
    method: str = "GET"
    path: str = ""
    who: str = "ann"
    sent: dict[str, Any] = field(default_factory=dict)


def _get(path: str, status: int, code: str, **more: Any) -> Bad:
    return Bad(f"GET {path}", status, code, "GET", path, **more)


def _body(
    method: str, path: str, shown: str, status: int, code: str, text: str | bytes, **more: Any
) -> Bad:
    """A request with a body, JSON by its type unless `content_type` says something else."""
    sent = {"data": text, "content_type": more.pop("content_type", "application/json")}
    return Bad(shown, status, code, method, path, sent=sent, **more)


_post = partial(_body, "POST", "/save-live-candle")
_market = partial(_body, "POST", "/markets")
_wish = partial(_body, "POST", "/history")
_set = partial(_body, "PUT", "/settings")
_save = partial(_body, "PUT")


def _strangers(method: str, path: str, text: str = "{}") -> tuple[Bad, ...]:
    """Those who may not change anything here, with a body that is sound."""
    evil = {"data": text, "content_type": "application/json"} if text else {}
    origin = {**evil, "headers": {"Origin": "https://evil.example"}}
    return (
        Bad("not signed in", 401, "unauthorized", method, path, "nobody", evil),
        Bad("a token that may only read", 403, "scope", method, path, "reader", evil),
        Bad("without X-CSRFToken", 403, "csrf", method, path, "ann without csrf", evil),
        Bad("from a page of another origin", 403, "origin", method, path, "ann", origin),
    )


def _writes_of(method: str, path: str, *sizes: int, text: str = "{}") -> tuple[Bad, ...]:
    """What every path refuses that takes JSON: strangers, other types, so many bytes, nothing."""
    return (
        *_strangers(method, path, text),
        _body(method, path, "Content-Type: text/plain", 415, "content-type", text,
              content_type="text/plain"),
        *(_body(method, path, f"{size:,} bytes", 413, "too-large", b"{" + b" " * size + b"}")
          for size in sizes),
        _body(method, path, "an empty body", 400, "json", ""),
    )  # fmt: skip


def _from(shown: str, number: str) -> Bad:
    text = f'{{"symbol":"BTCUSDT","interval":"1h","from":{number}}}'
    return _wish(shown, 400, "parameter", text)


def _delete(symbol: str, status: int, code: str, **more: Any) -> Bad:
    path, who = f"/markets/{symbol}", more.get("who", "ann")
    shown = {"ann": "", "nobody": ", not signed in", "reader": ", with a token that may only read",
             "ann without csrf": ", without X-CSRFToken"}[who]  # fmt: skip
    origin = ", from a page of another origin" if "sent" in more else ""
    return Bad(f"DELETE {path}{shown}{origin}", status, code, "DELETE", path, **more)


def _saves_of(path: str, field: str, good: str) -> tuple[Bad, ...]:
    """Of a path that saves a document; `good` is JSON that its field may have."""
    whole = f'{{"{field}":{good},"version":0}}'
    return (
        *_writes_of("PUT", path, 70_000, text=whole),
        _save(path, f"no {field}", 400, "parameter", '{"version":0}'),
        _save(path, "no version", 400, "parameter", f'{{"{field}":{good}}}'),
        _save(path, "version: -1", 400, "parameter", f'{{"{field}":{good},"version":-1}}'),
        _save(path, f"{field}: null", 400, "parameter", f'{{"{field}":null,"version":0}}'),
        _save(path, "version given twice", 400, "json",
              f'{{"{field}":{good},"version":0,"version":1}}'),
        _save(path, "a field more", 400, "parameter", f'{{"{field}":{good},"version":0,"x":1}}'),
        _save(f"{path}?x=1", f"PUT {path}?x=1", 400, "parameter", whole),
    )  # fmt: skip


def _removals_of(path: str, other: str) -> tuple[Bad, ...]:
    """Of a path that takes a document away; `other` names none."""
    return (
        *_strangers("DELETE", f"{path}/a", ""),
        Bad("one that is not there", 404, other, "DELETE", f"{path}/a"),
        Bad("a name of 61 letters", 400, "parameter", "DELETE", f"{path}/{'a' * 61}"),
        Bad("a name that begins with a space", 400, "parameter", "DELETE", f"{path}/%20a"),
        Bad("a name with a line break", 400, "parameter", "DELETE", f"{path}/a%0ab"),
        Bad("a name with a NUL", 400, "parameter", "DELETE", f"{path}/%00"),
        Bad("a name that turns the direction", 400, "parameter", "DELETE", f"{path}/a%e2%80%aeb"),
        Bad("a path of two names", 404, "not-found", "DELETE", f"{path}/a/b"),
        Bad(f"DELETE {path}/a?version=1", 400, "parameter", "DELETE", f"{path}/a?version=1"),
        Bad(f"POST {path}/a", 405, "method", "POST", f"{path}/a"),
    )


def _reads_of(path: str) -> tuple[Bad, ...]:
    """Of a path that tells what is one's own, and takes no parameters."""
    return (
        _get(path, 401, "unauthorized", who="nobody"),
        _get(f"{path}?user=bob", 400, "parameter"),
        _get(f"{path}?%00", 400, "parameter"),
        Bad(f"POST {path}", 405, "method", "POST", path),
        *(Bad(f"{m} {path}", 405, "method", m, path, "nobody")
          for m in ("PATCH", "TRACE", "CONNECT", "BREW")),
        *(Bad(f"Host: {host}", 400, "host", "GET", path, "nobody", {"headers": {"Host": host}})
          for host in ("evil.example", "local host")),
    )  # fmt: skip


def _lists_of(path: str) -> tuple[Bad, ...]:
    """Of a path that lists the newest entries of a series, 1000 at most."""
    return (
        _get(f"{path}?{HOURS}", 401, "unauthorized", who="nobody"),
        _get(f"{path}", 400, "parameter"),
        _get(f"{path}?symbol=BTCUSDT", 400, "parameter"),
        _get(f"{path}?symbol=btcusdt&interval=1h", 400, "parameter"),
        _get(f"{path}?symbol=DOGEUSDT&interval=1h", 404, "unknown-market"),
        _get(f"{path}?symbol=BTCUSDT&interval=1M", 404, "unknown-interval"),
        _get(f"{path}?{HOURS}&limit=0", 400, "parameter"),
        _get(f"{path}?{HOURS}&limit=1001", 400, "parameter"),
        _get(f"{path}?{HOURS}&limit=ten", 400, "parameter"),
        _get(f"{path}?{HOURS}&limit=1&limit=2", 400, "parameter"),
        _get(f"{path}?{HOURS}&start=yesterday", 400, "parameter"),
        _get(f"{path}?{HOURS}&start=2024-02-01&end=2024-01-01", 400, "parameter"),
        _get(f"{path}?{HOURS}&before=0", 400, "parameter"),
        Bad(f"DELETE {path}", 405, "method", "DELETE", f"{path}?{HOURS}"),
    )


def _candle(shown: str, status: int, code: str, **changed: Any) -> Bad:
    candle = {name: value for name, value in (GOOD | changed).items() if value is not ...}
    body = {"symbol": "BTCUSDT", "interval": "1h", "candle": candle}
    return _post(shown, status, code, json.dumps(body))


def _raw(shown: str, status: int, number: str) -> Bad:
    text = json.dumps({"symbol": "BTCUSDT", "interval": "1h", "candle": GOOD | {"high": "RAW"}})
    code = "json" if status == 400 and number in ("NaN", "Infinity", "9" * 400) else "parameter"
    return _post(shown, status, code, text.replace('"RAW"', number))


def _series(shown: str, status: int, code: str, symbol: Any, interval: Any) -> Bad:
    body = {"symbol": symbol, "interval": interval, "candle": GOOD}
    return _post(shown, status, code, json.dumps(body))


def _form(shown: str, status: int, code: str, path: str, who: str = "nobody", **sent: Any) -> Bad:
    return Bad(shown, status, code, "POST", path, who, sent)


DATA: Final = (
    _get(f"/data?{HOURS}", 401, "unauthorized", who="nobody"),
    _get("/data", 400, "parameter"),
    _get("/data?symbol=BTCUSDT", 400, "parameter"),
    _get("/data?symbol=btcusdt&interval=1h", 400, "parameter"),
    _get("/data?symbol=DOGEUSDT&interval=1h", 404, "unknown-market"),
    _get("/data?symbol=BTCUSDT%0aSET&interval=1h", 400, "parameter"),
    _get("/data?symbol=BTCUSDT%3a1h&interval=1h", 400, "parameter"),
    _get("/data?symbol=BTCUSDT&interval=7m", 400, "parameter"),
    _get("/data?symbol=BTCUSDT&interval=1H", 400, "parameter"),
    _get("/data?symbol=BTCUSDT&interval=1M", 404, "unknown-interval"),
    _get(f"/data?{HOURS}&limit=0", 400, "parameter"),
    _get(f"/data?{HOURS}&limit=5001", 400, "parameter"),
    _get(f"/data?{HOURS}&limit=1e3", 400, "parameter"),
    _get(f"/data?{HOURS}&limit=-1", 400, "parameter"),
    _get(f"/data?{HOURS}&limit=NaN", 400, "parameter"),
    _get(f"/data?{HOURS}&start=1704067200000000000000", 400, "parameter"),
    _get(f"/data?{HOURS}&start=2024-02-30T00:00:00Z", 400, "parameter"),
    _get(f"/data?{HOURS}&end=9223372036854775808", 400, "parameter"),
    _get(f"/data?{HOURS}&start=1000", 400, "parameter"),
    _get(f"/data?{HOURS}&start=2024-02-01&end=2024-01-01", 400, "parameter"),
    _get(f"/data?{HOURS}&time=s", 400, "parameter"),
    _get(f"/data?{HOURS}&live=yes", 400, "parameter"),
    _get(f"/data?{HOURS}&marks=yes", 400, "parameter"),
    _get(f"/data?{HOURS}&limit=1&limit=2", 400, "parameter"),
    _get(f"/data?{HOURS}&offset=10", 400, "parameter"),
    _get(f"/data?{HOURS}&format=xml", 400, "parameter"),
    _get(f"/data?{HOURS}&format=csv&live=1", 400, "parameter"),
    _get(f"/data?{HOURS}&format=binance&fields=time", 400, "parameter"),
    _get(f"/data?{HOURS}&fields=time,price", 400, "parameter"),
    _get(f"/data?{HOURS}&format=rows&decimals=float", 400, "parameter"),
    _get(f"/data?{HOURS}&limit=all", 400, "parameter"),
    _get(f"/data?{HOURS}&series=ETHUSDT:1h", 400, "parameter"),
    _get("/data?series=BTCUSDT", 400, "parameter"),
    _get("/data?series=BTCUSDT:1h,DOGEUSDT:1h", 404, "unknown-market"),
    Bad("POST /data", 405, "method", "POST", f"/data?{HOURS}"),
)
LIVE: Final = (
    _get(f"/live-candle?{HOURS}", 401, "unauthorized", who="nobody"),
    _get("/live-candle", 400, "parameter"),
    _get("/live-candle?interval=1h", 400, "parameter"),
    _get("/live-candle?symbol=BTCUSDT&interval=", 400, "parameter"),
    _get("/live-candle?symbol=DOGEUSDT&interval=1h", 404, "unknown-market"),
    _get("/live-candle?symbol=*&interval=1h", 400, "parameter"),
    _get("/live-candle?symbol=BTCUSDT&interval=1M", 404, "unknown-interval"),
    _get("/live-candle?symbol=BTCUSDT%00&interval=1h", 400, "parameter"),
    _get(f"/live-candle?{HOURS}&symbol=ETHUSDT", 400, "parameter"),
    _get(f"/live-candle?{HOURS}&limit=5", 400, "parameter"),
    Bad("PUT /live-candle", 405, "method", "PUT", f"/live-candle?{HOURS}"),
)
HISTORY: Final = (
    _get(f"/history?{HOURS}", 401, "unauthorized", who="nobody"),
    _get("/history", 400, "parameter"),
    _get("/history?symbol=BTCUSDT", 400, "parameter"),
    _get("/history?interval=1h", 400, "parameter"),
    _get("/history?symbol=btcusdt&interval=1h", 400, "parameter"),
    _get("/history?symbol=BTCUSDT&interval=7m", 400, "parameter"),
    _get("/history?symbol=DOGEUSDT&interval=1h", 404, "unknown-market"),
    _get("/history?symbol=BTCUSDT&interval=1M", 404, "unknown-interval"),
    _get(f"/history?{HOURS}&symbol=ETHUSDT", 400, "parameter"),
    _get(f"/history?{HOURS}&from=0", 400, "parameter"),
    Bad("PUT /history", 405, "method", "PUT", f"/history?{HOURS}"),
    Bad("DELETE /history", 405, "method", "DELETE", f"/history?{HOURS}"),
)
EVENTS: Final = (
    _get(f"/events?{HOURS}", 401, "unauthorized", who="nobody"),
    _get("/events", 400, "parameter"),
    _get("/events?symbol=BTCUSDT", 400, "parameter"),
    _get("/events?symbol=btcusdt&interval=1h", 400, "parameter"),
    _get("/events?symbol=DOGEUSDT&interval=1h", 404, "unknown-market"),
    _get("/events?symbol=BTCUSDT&interval=7m", 400, "parameter"),
    _get("/events?symbol=BTCUSDT&interval=1M", 404, "unknown-interval"),
    _get(f"/events?{HOURS}&symbol=ETHUSDT", 400, "parameter"),
    _get(f"/events?{HOURS}&from=0", 400, "parameter"),
    Bad("POST /events", 405, "method", "POST", f"/events?{HOURS}"),
)
WISH: Final = (
    *_writes_of("POST", "/history", 5000),
    _wish("an array", 400, "json", "[0]"),
    _wish("no from", 400, "parameter", '{"symbol":"BTCUSDT","interval":"1h"}'),
    _wish("symbol: not followed", 404, "unknown-market",
          '{"symbol":"DOGEUSDT","interval":"1h","from":0}'),
    _wish("symbol: lower case", 400, "parameter", '{"symbol":"btcusdt","interval":"1h","from":0}'),
    _wish("interval: 7m", 400, "parameter", '{"symbol":"BTCUSDT","interval":"7m","from":0}'),
    _wish("interval: not followed", 404, "unknown-interval",
          '{"symbol":"BTCUSDT","interval":"1M","from":0}'),
    _from("from: a text", '"2024-01-01"'),
    _from("from: null", "null"),
    _from("from: true", "true"),
    _from("from: -1", "-1"),
    _from("from: 1.5", "1.5"),
    _from("from: microseconds", "1700000000000000"),
    _wish("from given twice", 400, "json",
          '{"symbol":"BTCUSDT","interval":"1h","from":0,"from":1}'),
    _wish("a field more", 400, "parameter",
          '{"symbol":"BTCUSDT","interval":"1h","from":0,"to":1}'),
)  # fmt: skip
AUDIT: Final = (
    *_lists_of("/audit"),
    _get(f"/audit?{HOURS}&summary=no", 400, "parameter"),
)
GAPS: Final = _lists_of("/gaps")
CORRECTIONS: Final = _lists_of("/corrections")
MARKETS: Final = (
    _get("/markets", 401, "unauthorized", who="nobody"),
    _get("/markets?symbol=BTCUSDT", 400, "parameter"),
    _get("/markets?limit=1", 400, "parameter"),
    _get("/markets?%00", 400, "parameter"),
    _get("/markets/BTCUSDT", 405, "method"),
    _get("/markets/BTCUSDT/1h", 404, "not-found"),
    Bad("PUT /markets", 405, "method", "PUT", "/markets"),
    Bad("PATCH /markets", 405, "method", "PATCH", "/markets"),
    Bad("DELETE /markets", 405, "method", "DELETE", "/markets"),
    Bad("BREW /markets", 405, "method", "BREW", "/markets"),
)
FOLLOW: Final = (
    *_writes_of("POST", "/markets", 5000),
    _market("an array", 400, "json", '["DOGEUSDT"]'),
    _market("no symbol", 400, "parameter", "{}"),
    _market("symbol: lower case", 400, "parameter", '{"symbol":"dogeusdt"}'),
    _market("symbol: 21 letters", 400, "parameter", '{"symbol":"%s"}' % ("A" * 21)),
    _market("symbol: a list", 400, "parameter", '{"symbol":["DOGEUSDT","XRPUSDT"]}'),
    _market("symbol: null", 400, "parameter", '{"symbol":null}'),
    _market("symbol: with a colon", 400, "parameter", '{"symbol":"DOGEUSDT:1h"}'),
    _market("symbol given twice", 400, "json", '{"symbol":"DOGEUSDT","symbol":"XRPUSDT"}'),
    _market("a field more", 400, "parameter", '{"symbol":"DOGEUSDT","status":"TRADING"}'),
)
UNFOLLOW: Final = (
    _delete("BTCUSDT", 401, "unauthorized", who="nobody"),
    _delete("BTCUSDT", 403, "scope", who="reader"),
    _delete("BTCUSDT", 403, "csrf", who="ann without csrf"),
    _delete("BTCUSDT", 403, "origin", sent={"headers": {"Origin": "https://evil.example"}}),
    _delete("DOGEUSDT", 404, "unknown-market"),
    _delete("btcusdt", 400, "parameter"),
    _delete("*", 400, "parameter"),
    _delete("BTCUSDT:1h", 400, "parameter"),
    _delete("%00", 400, "parameter"),
    _delete("BTCUSDT?keep=0", 400, "parameter"),
    Bad("PUT /markets/BTCUSDT", 405, "method", "PUT", "/markets/BTCUSDT"),
)
LISTED: Final = (
    _get("/exchange/markets", 401, "unauthorized", who="nobody"),
    _get("/exchange/markets?symbols=", 400, "parameter"),
    _get("/exchange/markets?symbols=btcusdt", 400, "parameter"),
    _get("/exchange/markets?symbols=BTCUSDT,", 400, "parameter"),
    _get("/exchange/markets?symbols=BTCUSDT%2c%2a", 400, "parameter"),
    _get("/exchange/markets?symbols=[%22BTCUSDT%22]", 400, "parameter"),
    _get("/exchange/markets?symbols=BTCUSDT&symbols=ETHUSDT", 400, "parameter"),
    _get("/exchange/markets?symbol=BTCUSDT", 400, "parameter"),
    Bad("201 symbols", 400, "parameter", "GET",
        "/exchange/markets?symbols=" + ",".join(f"S{number}" for number in range(201))),
    Bad("POST /exchange/markets", 405, "method", "POST", "/exchange/markets"),
    Bad("PUT /exchange/markets", 405, "method", "PUT", "/exchange/markets"),
)  # fmt: skip
SETTINGS: Final = (
    _get("/settings", 401, "unauthorized", who="nobody"),
    _get("/settings?user=bob", 400, "parameter"),
    Bad("POST /settings", 405, "method", "POST", "/settings"),
    Bad("DELETE /settings", 405, "method", "DELETE", "/settings"),
    *(Bad(f"{m} /settings", 405, "method", m, "/settings", "nobody")
      for m in ("PATCH", "TRACE", "CONNECT", "BREW")),
    *(Bad(f"Host: {host}", 400, "host", "GET", "/settings", "nobody", {"headers": {"Host": host}})
      for host in ("evil.example", "local host")),
)  # fmt: skip
SET: Final = (
    *_writes_of("PUT", "/settings", 20_000),
    _set("no settings", 400, "parameter", "{}"),
    _set("a version", 400, "parameter", '{"settings":{},"version":1}'),
    _set("settings that are an array", 400, "parameter", '{"settings":[]}'),
    _set("an unknown key", 400, "parameter", '{"settings":{"colour":"red"}}'),
    _set("a key given twice", 400, "json", '{"settings":{"auto":true,"auto":false}}'),
    _set("theme: pink", 400, "parameter", '{"settings":{"theme":"pink"}}'),
    _set("zone: Mars/Base", 400, "parameter", '{"settings":{"zone":"Mars/Base"}}'),
    _set("inverted: 1", 400, "parameter", '{"settings":{"inverted":1}}'),
    _set("favourites: a text", 400, "parameter", '{"settings":{"favourites":"BTCUSDT"}}'),
    _set("favourites: lower case", 400, "parameter", '{"settings":{"favourites":["btcusdt"]}}'),
    _set("last: without interval", 400, "parameter", '{"settings":{"last":{"symbol":"BTCUSDT"}}}'),
)  # fmt: skip
DRAWN: Final = (
    *_reads_of("/drawings/BTCUSDT"),
    _get("/drawings/btcusdt", 400, "parameter"),
    _get("/drawings/*", 400, "parameter"),
    _get("/drawings/BTCUSDT%0aSET", 400, "parameter"),
    _get("/drawings/BTCUSDT/1h", 404, "not-found"),
    _get("/drawings", 404, "not-found"),
    Bad("DELETE /drawings/BTCUSDT", 405, "method", "DELETE", "/drawings/BTCUSDT"),
)
DRAW: Final = (
    *_saves_of("/drawings/BTCUSDT", "drawings", "[]"),
    _save("/drawings/btcusdt", "symbol: lower case", 400, "parameter",
          '{"drawings":[],"version":0}'),
    _save("/drawings/BTCUSDT", "kind: spiral", 400, "parameter",
          '{"drawings":[{"id":"a","kind":"spiral","points":[]}],"version":0}'),
    _save("/drawings/BTCUSDT", "a trend line of one point", 400, "parameter",
          '{"drawings":[{"id":"a","kind":"trend","points":[{"time":0,"price":"1"}]}],"version":0}'),
    _save("/drawings/BTCUSDT", "price: a number", 400, "parameter",
          '{"drawings":[{"id":"a","kind":"text","points":[{"time":0,"price":1}]}],"version":0}'),
)  # fmt: skip
LAYOUT: Final = '{"grid":1,"panes":[{"symbol":"BTCUSDT","interval":"1h"}]}'
LAYOUT_READS: Final = (
    *_reads_of("/layouts/a"),
    _get("/layouts/a", 404, "unknown-layout"),
    _get("/layouts/%20a", 400, "parameter"),
    _get(f"/layouts/{'a' * 61}", 400, "parameter"),
)
LAYOUT_SAVES: Final = (
    *_saves_of("/layouts/a", "layout", LAYOUT),
    _save("/layouts/a", "grid: 5", 400, "parameter",
          '{"layout":{"grid":5,"panes":[]},"version":0}'),
    _save("/layouts/a", "a grid of two with one pane", 400, "parameter",
          f'{{"layout":{LAYOUT.replace("1", "2", 1)},"version":0}}'),
)  # fmt: skip
TEMPLATE_SAVES: Final = (
    *_saves_of("/study-templates/a", "studies", '[{"id":"a","kind":"rsi"}]'),
    _save("/study-templates/a", "studies: none", 400, "parameter", '{"studies":[],"version":0}'),
    _save("/study-templates/a", "kind: magic", 400, "parameter",
          '{"studies":[{"id":"a","kind":"magic"}],"version":0}'),
)  # fmt: skip
SAVE: Final = (
    *_writes_of("POST", "/save-live-candle", 5000, 20_000),
    _post("an array", 400, "json", "[]"),
    _post("bytes that are no UTF-8", 400, "json", b'{"symbol":"\xff"}'),
    _post("2,000 nested arrays", 400, "json", "[" * 2000),
    _post("a name given twice", 400, "json", '{"symbol":"A","symbol":"B"}'),
    _post("no candle", 400, "parameter", '{"symbol":"BTCUSDT","interval":"1h"}'),
    _post("a candle that is null", 400, "parameter",
          '{"symbol":"BTCUSDT","interval":"1h","candle":null}'),
    _candle("a field `__proto__`", 400, "parameter", __proto__={"polluted": 1}),
    _candle("without close", 400, "parameter", close=...),
    _raw("high: NaN", 400, "NaN"),
    _raw("high: Infinity", 400, "Infinity"),
    _raw("high: 1e999", 400, "1e999"),
    _raw("high: 400 digits", 400, "9" * 400),
    _raw("high: 1e-300", 400, "1e-300"),
    _candle('close: "42060"', 400, "parameter", close="42060"),
    _candle("close: true", 400, "parameter", close=True),
    _candle("close: null", 400, "parameter", close=None),
    _candle("low: -1", 400, "parameter", low=-1),
    _candle("low: 0", 400, "parameter", low=0),
    _candle("high below low", 400, "parameter", high=41000),
    _candle("volume: -1", 400, "parameter", volume=-1),
    _candle('time: "abc"', 400, "parameter", time="abc"),
    _candle("time off the grid", 400, "parameter", time=FORMING_MS + 1),
    _candle("time in the future", 400, "parameter", time=FORMING_MS + HOUR_MS),
    _candle("time in microseconds", 400, "parameter", time=FORMING_MS * 1000),
    _candle("a candle that has closed", 409, "closed", time=FORMING_MS - HOUR_MS),
    _candle("a price 20 % away", 422, "implausible", high=50_500, close=50_400),
    _series("symbol: lower case", 400, "parameter", "btcusdt", "1h"),
    _series("symbol: with a glob", 400, "parameter", "BTC*", "1h"),
    _series("symbol: an object", 400, "parameter", {"$ne": 1}, "1h"),
    _series("symbol: <img onerror=…>", 400, "parameter", "<img src=x onerror=alert(1)>", "1h"),
    _series("symbol: not followed", 404, "unknown-market", "DOGEUSDT", "1h"),
    _series("interval: 7m", 400, "parameter", "BTCUSDT", "7m"),
    _series("interval: 1M, not followed", 404, "unknown-interval", "BTCUSDT", "1M"),
)  # fmt: skip
LOGIN: Final = (
    _form("without a CSRF token", 403, "page", "/login", data={"username": "ann"}),
    _form("another page's CSRF token", 403, "page", "/login", data={"csrf_token": "abc"}),
    _form("from another origin", 403, "page", "/login", "nobody",
          headers={"Origin": "https://evil.example"}),
    _form("Origin: null", 403, "page", "/login", "nobody", headers={"Origin": "null"}),
    _form("Sec-Fetch-Site: cross-site", 403, "page", "/login", "nobody",
          headers={"Sec-Fetch-Site": "cross-site"}),
    _form("an unknown user", 401, "page", "/login", "visitor", data={"username": "bob"}),
    _form("a wrong password", 401, "page", "/login", "visitor",
          data={"username": "ann", "password": "wrong"}),
    _form("no name", 401, "page", "/login", "visitor", data={"password": "x"}),
    _form("a password of 2,000 characters", 401, "page", "/login", "visitor",
          data={"username": "ann", "password": "x" * 2000}),
    _form("a form of 20,000 bytes", 413, "page", "/login", "visitor",
          data={"username": "x" * 20_000}),
    Bad("PUT /login", 405, "page", "PUT", "/login", "nobody"),
)  # fmt: skip
LINK: Final = (
    _form("without a CSRF token", 403, "csrf", "/login/link", json={"link": "x" * 43}),
    _form("from another origin", 403, "origin", "/login/link", "visitor", json={"link": "x" * 43},
          headers={"Origin": "https://evil.example"}),
    _form("an unknown link", 401, "link", "/login/link", "visitor", json={"link": "x" * 43}),
    _form("a link with a wildcard", 401, "link", "/login/link", "visitor", json={"link": "*" * 43}),
    _form("an empty link", 401, "link", "/login/link", "visitor", json={"link": ""}),
    _form("link: 1", 401, "link", "/login/link", "visitor", json={"link": 1}),
    _form("no link", 401, "link", "/login/link", "visitor", json={}),
    _form("an array", 401, "link", "/login/link", "visitor", json=[1]),
    _form("no JSON", 401, "link", "/login/link", "visitor", data="link=x"),
    _form("20,000 bytes", 413, "too-large", "/login/link", "visitor", json={"link": "x" * 20_000}),
    Bad("GET /login/link", 405, "method", "GET", "/login/link", "nobody"),
)  # fmt: skip


def account(path: str, *more: Bad) -> tuple[Bad, ...]:
    """Bad requests that every form of the account page refuses, and its own."""
    evil = {"Origin": "https://evil.example"}
    return (
        _form("not signed in", 401, "page", path, "visitor", data={"id": "x"}),
        _form("a token", 403, "page", path, "reader", data={"id": "x"}),
        _form("without a CSRF token", 403, "page", path, "ann without a CSRF token", data={}),
        _form("another page's CSRF token", 403, "page", path, "ann without a CSRF token",
              data={"csrf_token": "abc"}),
        _form("from another origin", 403, "page", path, "ann", headers=evil),
        _form("Origin: null", 403, "page", path, "ann", headers={"Origin": "null"}),
        _form("Sec-Fetch-Site: cross-site", 403, "page", path, "ann",
              headers={"Sec-Fetch-Site": "cross-site"}),
        _form("a form of 20,000 bytes", 413, "page", path, "ann", data={"id": "x" * 20_000}),
        *(Bad(f"{m} {path}", 405, "page", m, path) for m in ("GET", "PUT", "DELETE")),
        *more,
    )  # fmt: skip


CODE: Final = (
    _form("without a CSRF token", 403, "page", "/login/code", data={"code": "123456"}),
    _form("another page's CSRF token", 403, "page", "/login/code", data={"csrf_token": "abc"}),
    _form("from another origin", 403, "page", "/login/code", "visitor",
          headers={"Origin": "https://evil.example"}),
    _form("Origin: null", 403, "page", "/login/code", "visitor", headers={"Origin": "null"}),
    _form("no password was given before", 401, "page", "/login/code", "visitor",
          data={"code": "123456"}),
    _form("no code", 401, "page", "/login/code", "visitor", data={}),
    _form("a code of 5,000 characters", 401, "page", "/login/code", "visitor",
          data={"code": "1" * 5_000}),
    _form("a form of 20,000 bytes", 413, "page", "/login/code", "visitor",
          data={"code": "x" * 20_000}),
    Bad("PUT /login/code", 405, "page", "PUT", "/login/code", "nobody"),
    Bad("DELETE /login/code", 405, "page", "DELETE", "/login/code"),
)  # fmt: skip


def _own(path: str, shown: str, status: int, **data: str) -> Bad:
    return _form(shown, status, "page", path, "ann", data=data)


PASSWORD_FORM: Final = account(
    "/account/password",
    _own("/account/password", "a wrong password", 403, password="wrong", new="long enough, new"),
    _own("/account/password", "no password", 403, new="long enough, new"),
)
SESSION_FORM: Final = account(
    "/account/sessions/end", _own("/account/sessions/end", "no such session", 404, id="0" * 12)
)
TOKEN_FORM: Final = account(
    "/account/tokens",
    _own("/account/tokens", "a label of 101 characters", 400, label="x" * 101),
    _own("/account/tokens", "scope: admin", 400, scope="admin"),
    _own("/account/tokens", "no password", 403, label="x"),
)
TOKEN_END_FORM: Final = account(
    "/account/tokens/end", _own("/account/tokens/end", "no such token", 404, id="0" * 12)
)
FACTOR_FORM: Final = account(
    "/account/second-factor", _own("/account/second-factor", "no password", 403)
)
FACTOR_CONFIRM_FORM: Final = account(
    "/account/second-factor/confirm",
    _own("/account/second-factor/confirm", "nothing to confirm", 409, code="123456"),
)
FACTOR_OFF_FORM: Final = account(
    "/account/second-factor/off", _own("/account/second-factor/off", "no password", 403)
)
ROLE_FORM: Final = account(
    "/account/users/role",
    _own("/account/users/role", "role: root", 400, name="bob", role="root"),
    _own("/account/users/role", "one's own", 409, name="ann", role="viewer"),
    _own("/account/users/role", "no such user", 404, name="bob", role="viewer"),
)


def plain(path: str, is_page: bool = False) -> tuple[Bad, ...]:
    """Ten bad requests to a path that takes no parameters."""
    method = "page" if is_page else "method"
    used = "POST" if path == "/logout" else "GET"
    others = [m for m in ("GET", "POST", "PUT", "PATCH", "DELETE") if m != used]
    found = [Bad(f"{m} {path}", 405, "method" if m == "PATCH" else method, m, path) for m in others]
    if path == "/":
        found = [*found[1:], Bad("POST /", 405, "page", "POST", path)]
    for m in ("TRACE", "CONNECT", "BREW"):
        found.append(Bad(f"{m} {path}", 405, "method", m, path, "nobody"))
    foreign = ("[::1",) if path in HEALTH_PATHS else ("evil.example",)
    for host in (*foreign, "evil.example:80@localhost", "local host"):
        headers = {"Host": host}
        found.append(Bad(f"Host: {host}", 400, "host", used, path, "nobody", {"headers": headers}))
    return tuple(found)


ENDPOINTS: Final[dict[str, tuple[Bad, ...]]] = {
    "GET /data": DATA,
    "GET /live-candle": LIVE,
    "GET /history": HISTORY,
    "POST /history": WISH,
    "GET /events": EVENTS,
    "GET /audit": AUDIT,
    "GET /gaps": GAPS,
    "GET /corrections": CORRECTIONS,
    "GET /markets": MARKETS,
    "POST /markets": FOLLOW,
    "DELETE /markets/<symbol>": UNFOLLOW,
    "GET /exchange/markets": LISTED,
    "GET /settings": SETTINGS,
    "PUT /settings": SET,
    "GET /drawings/<symbol>": DRAWN,
    "PUT /drawings/<symbol>": DRAW,
    "GET /layouts": _reads_of("/layouts"),
    "GET /layouts/<name>": LAYOUT_READS,
    "PUT /layouts/<name>": LAYOUT_SAVES,
    "DELETE /layouts/<name>": _removals_of("/layouts", "unknown-layout"),
    "GET /study-templates": _reads_of("/study-templates"),
    "PUT /study-templates/<name>": TEMPLATE_SAVES,
    "DELETE /study-templates/<name>": _removals_of("/study-templates", "unknown-template"),
    "POST /save-live-candle": SAVE,
    "POST /login": LOGIN,
    "POST /login/code": CODE,
    "POST /login/link": LINK,
    "GET /account": plain("/account", is_page=True),
    "POST /account/password": PASSWORD_FORM,
    "POST /account/sessions/end": SESSION_FORM,
    "POST /account/tokens": TOKEN_FORM,
    "POST /account/tokens/end": TOKEN_END_FORM,
    "POST /account/second-factor": FACTOR_FORM,
    "POST /account/second-factor/confirm": FACTOR_CONFIRM_FORM,
    "POST /account/second-factor/off": FACTOR_OFF_FORM,
    "POST /account/users/role": ROLE_FORM,
    "POST /logout": plain("/logout", is_page=True),
    "GET /": plain("/", is_page=True),
    "GET /healthz": plain("/healthz"),
    "GET /readyz": plain("/readyz"),
    "GET /metrics": plain("/metrics"),
    "GET /openapi.json": plain("/openapi.json"),
    "GET /docs": plain("/docs", is_page=True),
    "GET /asyncapi.json": plain("/asyncapi.json"),
    "GET /docs/events": plain("/docs/events", is_page=True),
}
