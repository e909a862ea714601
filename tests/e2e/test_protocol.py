"""What the server really says is what the page's types declare (`static/src/net/*rotocol.ts`), and
what `/openapi.json` and `/asyncapi.json` say, which those are made of.

Never here: what the page makes of it.
Invariant: the compiler judges, on answers and events of a whole running system; and a declared
shape of which nothing real was shown fails too.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import socketio
from jsonschema import Draft202012Validator

from tests.support.browser_code import node
from tests.support.project_files import ROOT
from tests.support.role_processes import Roles
from tests.support.waiting import wait_for
from tests.support.whole_system import System, ask, is_proven
from truecandle.candles.gap import Missing
from truecandle.candles.series import parse_series
from truecandle.events import Publisher
from truecandle.web.event_description import ROOMS

NET = ROOT / "static" / "src" / "net"
PROTOCOLS = [NET / f"{name}.ts" for name in ("protocol", "socketProtocol", "pageConfig")]
DECLARED = re.compile(
    r"^export (?:interface|type) "
    r"(\w+(?:Event|Ack|Answer)|(?:Listed)?Market|StudyTemplate|Problem|PageConfig)\b",
    re.M,
)
EVENTS = {one.name: one.payload for room in ROOMS for one in room.told if one.payload}
SECONDLY = {"symbol": "BTCUSDT", "interval": "1s"}
#: As `tsconfig.json` has it, for a file outside of the project.
OPTIONS = (
    *("--noEmit", "--strict", "--allowImportingTsExtensions", "--types", ""),
    *("--target", "ES2023", "--module", "ESNext", "--moduleResolution", "Bundler"),
)
SAMPLES_MAX = 5
LAYOUT = {"grid": 1, "panes": [{"symbol": "BTCUSDT", "interval": "1s"}]}
SETTINGS = {
    "theme": "dark", "zone": "Europe/Berlin", "colors": "blue-orange", "type": "heikin-ashi",
    "scale": "log", "inverted": False, "auto": True, "shortcuts": True, "tools": True,
    "panel": "watchlist",
    "favourites": ["BTCUSDT"], "last": {"symbol": "BTCUSDT", "interval": "1s"},
    "studies": [{"id": "s1", "kind": "ema", "inputs": {"period": 50, "source": "close"}}],
}  # fmt: skip
DRAWN = [
    {
        "id": "a1", "kind": "horizontal", "points": [{"time": 1730000040000, "price": "67010.5"}],
        "style": {"color": "green", "width": 3, "dash": "dashed"}, "text": "here", "locked": True,
        "hidden": True,
    },
    {"id": "a2", "kind": "text", "points": [{"time": 0, "price": "1"}]},
]  # fmt: skip
OFFERED = ("time", "open", "high", "low", "close", "volume")

Samples = dict[str, list[Any]]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One that anybody may read, and that follows one market more when asked."""
    folder, followed = tmp_path_factory.mktemp("system"), "BTCUSDT,ETHUSDT"
    whole = System(
        folder, Roles(), f"{followed},PEPEUSDT", SYMBOLS=followed, INTERVALS="1s", PUBLIC_READS="1"
    )
    try:
        whole.open()
        yield whole
    finally:
        whole.close()


@pytest.fixture(scope="module")
def samples(system: System) -> Samples:
    """Real events and answers by the name of their type."""
    found = answers(system)
    for name, heard in told(system).items():
        found.setdefault(name, []).extend(heard)
    return found


def test_every_declared_shape_was_seen_for_real(samples: Samples) -> None:
    assert set(samples) == {
        name for file in PROTOCOLS for name in DECLARED.findall(file.read_text())
    }


def test_what_the_server_says_is_of_its_declared_type(samples: Samples, tmp_path: Path) -> None:
    lines = [declare(name, sample) for name, found in samples.items() for sample in found]
    assert compile_all(lines, tmp_path) == ""


def test_a_field_too_many_or_too_few_would_be_noticed(samples: Samples, tmp_path: Path) -> None:
    lines = []
    for name, found in samples.items():
        sample = found[0]
        first = next(iter(sample))
        fewer = {key: value for key, value in sample.items() if key != first}
        other = {**sample, first: {"of": "another type"}}
        for wrong in (fewer, {**sample, "unheard_of": 1}, other):
            lines += ["// @ts-expect-error", declare(name, wrong)]
    assert compile_all(lines, tmp_path) == ""


def test_what_the_server_says_is_what_its_descriptions_say(
    system: System, samples: Samples
) -> None:
    """Of every event, message and answer that they name a part for."""
    parts: dict[str, Any] = {}
    for name in ("openapi", "asyncapi"):
        described = requests.get(f"{system.url}/{name}.json", timeout=20).json()
        parts |= described["components"]["schemas"]
    compared = set(samples) & set(parts)
    assert set(samples) - compared == {"PageConfig"}
    for name in compared:
        judge = Draft202012Validator({**parts[name], "components": {"schemas": parts}})
        for sample in samples[name]:
            assert [f"{name}: {error.message}" for error in judge.iter_errors(sample)] == []


def answers(system: System) -> Samples:
    """What REST and the page itself answer."""
    token = system.flask("token", "add", "demo", "--scope", "write")[-1]

    def post(path: str, body: object) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.post(f"{system.url}{path}", json=body, headers=headers, timeout=20)

    def saved() -> list[Any]:
        """What our own forming candle, offered back, is answered; nothing if it just closed."""
        candle = ask(system, "/live-candle")["candle"] or {}
        fields = {name: candle[name] for name in OFFERED if name in candle}
        answer = post("/save-live-candle", {**SECONDLY, "candle": fields})
        return [answer.json()] if answer.status_code == 200 else []

    def listed() -> Any:
        answer = requests.get(f"{system.url}/exchange/markets", timeout=20).json()
        return answer if answer["updated_at"] else None

    def settings() -> list[Any]:
        """Before anything was set, and with everything set."""
        url, headers = f"{system.url}/settings", {"Authorization": f"Bearer {token}"}
        before = requests.get(url, headers=headers, timeout=20)
        after = requests.put(url, json={"settings": SETTINGS}, headers=headers, timeout=20)
        return [before.json(), after.json()]

    def drawings() -> list[Any]:
        """Before anything was drawn, and after."""
        url, headers = f"{system.url}/drawings/BTCUSDT", {"Authorization": f"Bearer {token}"}
        before = requests.get(url, headers=headers, timeout=20)
        after = requests.put(
            url, json={"drawings": DRAWN, "version": 0}, headers=headers, timeout=20
        )
        return [before.json(), after.json()]

    def named() -> Samples:
        """A layout and a study template, saved."""
        headers = {"Authorization": f"Bearer {token}"}

        def put(path: str, body: object) -> Any:
            return requests.put(
                f"{system.url}{path}", json=body, headers=headers, timeout=20
            ).json()

        def get(path: str) -> Any:
            return requests.get(f"{system.url}{path}", headers=headers, timeout=20).json()

        template = {"studies": SETTINGS["studies"], "version": 0}
        return {
            "LayoutAnswer": [put("/layouts/mine", {"layout": LAYOUT, "version": 0})],
            "LayoutsAnswer": [get("/layouts")],
            "StudyTemplate": [put("/study-templates/mine", template)],
            "StudyTemplatesAnswer": [get("/study-templates")],
        }

    def link() -> Any:
        """Where a one-time link leads on to."""
        session, secret = requests.Session(), system.flask("user", "link", "demo")[-1]
        page = session.get(f"{system.url}/login", timeout=20).text
        found = re.search(r'name="csrf-token" content="([^"]+)"', page)
        assert found
        given = {"link": secret.partition("#link=")[2]}
        headers = {"X-CSRFToken": found[1]}
        url = f"{system.url}/login/link"
        return session.post(url, json=given, headers=headers, timeout=20).json()

    whole = wait_for(listed, what="the exchange's list")
    page = requests.get(f"{system.url}/", timeout=20).text
    config = re.search(r'<script type="application/json" id="config">(.*?)</script>', page)
    assert config
    return {
        **marked(system),
        "HistoryAnswer": [
            ask(system, "/history"),
            post("/history", {**SECONDLY, "from": 1_700_000_000_000}).json(),
        ],
        "MarketsAnswer": [requests.get(f"{system.url}/markets", timeout=20).json()],
        "ExchangeMarketsAnswer": [whole],
        "ListedMarket": whole["markets"][:SAMPLES_MAX],
        "SettingsAnswer": settings(),
        **named(),
        "DrawingsAnswer": drawings(),
        "Market": [post("/markets", {"symbol": "PEPEUSDT"}).json()],
        "SaveAnswer": wait_for(saved, what="a forming candle that is taken note of"),
        "Problem": [requests.get(f"{system.url}/data", timeout=20).json()],
        "LinkAnswer": [link()],
        "PageConfig": [json.loads(config[1])],
    }


def marked(system: System) -> Samples:
    """What is answered of candles that were corrected, that are missing and that were shown."""
    now_ms = int(time.time()) * 1000
    hole = range(now_ms + 3_000, now_ms + 6_000)
    system.script("gap", symbol="BTCUSDT", from_ms=hole.start, until_ms=hole.stop)
    open_ms = ask(system, "/data", time="ms")["time"][-1]
    change = {"open_ms": open_ms, "changes": {"volume": "77.5"}}
    system.script("correction", **SECONDLY, **change)
    wait_for(lambda: ask(system, "/corrections")["count"], what="a correction")
    wait_for(lambda: is_proven(system, hole), 40, "a gap that is proven")
    wait_for(
        lambda: any(one["shown"] for one in ask(system, "/audit")["candles"]),
        what="a candle that was shown before it became official",
    )
    page = ask(system, "/data", time="ms", live="1", marks="1")
    assert page["corrected"] and page["gaps"]
    return {
        "LiveAnswer": [ask(system, "/live-candle")],
        "DataAnswer": [page, *(ask(system, "/data", time="ms", live=live) for live in "01")],
        "CorrectionsAnswer": [ask(system, "/corrections")],
        "GapsAnswer": [ask(system, "/gaps")],
        "AuditAnswer": [ask(system, "/audit"), ask(system, "/audit", summary="0")],
    }


def told(system: System) -> Samples:
    """What a socket hears, until it has heard of everything."""
    heard: Samples = {}
    # Named, as the last one that a process named is everybody's in it.
    client = socketio.Client(json=json, reconnection=False)

    def hear(event: str, data: Any = None) -> None:
        if event in EVENTS and len(heard.setdefault(EVENTS[event], [])) < SAMPLES_MAX:
            heard[EVENTS[event]].append(data)

    client.on("*", hear)
    client.connect(system.url, transports=["websocket"], wait_timeout=20)
    connection = client.eio.ws
    try:
        granted = client.call("subscribe", SECONDLY, timeout=20)
        refused = client.call("subscribe", {**SECONDLY, "symbol": "NOPE"}, timeout=20)
        watching = client.call("watch", {"symbols": ["BTCUSDT", "ETHUSDT", "NOPE"]}, timeout=20)
        drawn = {"traceparent": f"00-{1:032x}-{1:016x}-01", "drawn_us": 8500}
        traced = client.call("traced", drawn, timeout=20)
        unheard = client.call("nonsense", {}, timeout=20)
        usual = {"DataUpdatedEvent", "LivePriceEvent", "LiveCandleEvent"}
        wait_for(lambda: usual <= set(heard), what="every event of a market that trades")
        series = parse_series("BTCUSDT", "1s")
        Publisher(system.redis.url).gap_proven(series, [Missing(0, 5_000)])
        wait_for(lambda: "GapProvenEvent" in heard, what="a gap that is proven")
        system.kill("feed")
        wait_for(lambda: "FreshnessEvent" in heard, 60, "a market that is not fresh any more")
        gone = client.call("unsubscribe", SECONDLY, timeout=20)
    finally:
        client.disconnect()
        client.shutdown()
        connection.shutdown()
    return {
        **heard,
        "SubscribeAck": [granted],
        "RefusedAck": [refused, unheard],
        "WatchAck": [watching],
        "TracedAck": [traced],
        "UnsubscribeAck": [gone],
    }


def declare(name: str, sample: Any) -> str:
    """The sample as a constant of that type, in one line."""
    return f"{{ const sample: P.{name} = {json.dumps(sample)}; void sample; }}"


def compile_all(lines: list[str], folder: Path) -> str:
    """What the compiler says of these lines; `P` are the declared shapes."""
    shapes = folder / "shapes.ts"
    shapes.write_text("".join(f'export type * from "{file}";\n' for file in PROTOCOLS))
    file = folder / "samples.ts"
    file.write_text("\n".join([f'import type * as P from "{shapes}";', *lines, ""]))
    tsc = ROOT / "node_modules" / "typescript" / "bin" / "tsc"
    command = [node(), str(tsc), *OPTIONS, str(file)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr
