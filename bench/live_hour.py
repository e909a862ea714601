"""An hour of a whole system that is disturbed all the time: are its candles exact and honest?

    .venv/bin/python -m bench.live_hour [--minutes 60] [--page]

Starts Redis, the simulated exchange, web, fetcher and two feeds on free ports, with 1s, 1m and 5m
of three markets. The exchange ends all stream connections once a minute at a random second, goes
silent twice for 20 s, announces its shutdown once, and ends every connection after five minutes of
age; the feeds renew theirs after four at most (24 hours compressed). One feed is killed while it
leads, and started again. Meanwhile every series is sampled in Redis ten times a second and over
HTTP in turn, and every event to browsers is read. It ends by itself, ends only what it started,
prints a report, and exits with 1 if anything was wrong.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import requests

from bench.witness import Closed, Sight, Witness, now_ms
from tests.harness import chromium, wait_for
from tests.roles import Role, Roles
from tests.system import System
from tests.truth import Truth
from truecandle.candles.candle import canonical, official_from_member
from truecandle.candles.interval import INTERVALS, LAST_MS
from truecandle.candles.series import Series
from truecandle.sim.clock import Clock
from truecandle.sim.market import simulated
from truecandle.store import connect, keys

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
FOLLOWED = ("1s", "1m", "5m")
SEED = 7
#: The feed replaces a connection at this age at most, the exchange ends it at that.
RENEW_S, LIFE_S = 240.0, 300.0
STALL_S = 20
#: How long after a disturbance its traces count as its own.
AFTER_MS = {"disconnect": 6_000, "stall": 8_000, "shutdown": 6_000, "kill": 8_000}
#: A market's trades are in its candle within this, whatever was scripted.
BEHIND_MAX_MS = 30_000
#: A market is not called live when a trade has been missing for longer: its last one is 10 s old.
LIVE_MAX_MS = 13_000
PAGE_EVERY_S = 1.0
SHOWN = 25

FEED = f"""
import sys
from truecandle.binance import stream
stream.Streams.__init__.__kwdefaults__["renew_s"] = {RENEW_S}
import live_candles
sys.exit(live_candles.main())
"""
#: Says on its output what is asked of it, so that it can be counted.
SIM = f"""
import functools
from dataclasses import replace
from truecandle.sim import __main__ as sim, limits, paths
sim.Pace = functools.partial(sim.Pace, life_s={LIFE_S})
connect, trades = limits.Limits.connect, paths.PATHS["aggTrades"]
def counted_connect(self):
    print("connection", flush=True)
    return connect(self)
def counted_trades(asked):
    found = trades.answer(asked)
    print("refetched", len(found), flush=True)
    return found
limits.Limits.connect = counted_connect
paths.PATHS["aggTrades"] = replace(trades, answer=counted_trades)
raise SystemExit(sim.main())
"""


class Hour(System):
    """The whole system, with two feeds and an exchange that ends connections early."""

    def start(self, role: str) -> None:
        if role.startswith("feed"):
            self._begin(role, ["-c", FEED])
        elif role == "sim":
            given = ["--port", str(self.sim_port), "--symbols", self._symbols, "--seed", str(SEED)]
            self._begin(role, ["-c", SIM, *given])
        else:
            super().start(role)

    def open(self) -> None:
        super().open()
        self.start("feed2")

    def pids(self) -> dict[str, int]:
        running = {name: role.pid for name, role in self.roles.items() if role.alive()}
        return running | {"redis": self.redis.pid or 0}


def main() -> int:
    options = _options()
    dice = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="live_hour") as folder:
        system = Hour(
            Path(folder), Roles(), ",".join(SYMBOLS), SYMBOLS=",".join(SYMBOLS),
            INTERVALS=",".join(FOLLOWED),
        )  # fmt: skip
        try:
            system.open()
            return watched(system, options, dice)
        finally:
            system.close()


def watched(system: Hour, options: argparse.Namespace, dice: random.Random) -> int:
    """Disturbs and watches for as long as asked, then reports."""
    market = simulated(SEED, SYMBOLS, Clock())
    first_ms = INTERVALS["5m"].open_ms(now_ms()) - 300_000
    truths = {symbol: Truth(market.course(symbol), first_ms) for symbol in SYMBOLS}
    series = [Series(symbol, INTERVALS[name]) for symbol in SYMBOLS for name in FOLLOWED]
    witness = Witness(connect(system.redis.url), series, truths)
    token = system.token()
    web = Web(system, witness, token)
    page = Page(system) if options.page else None
    usage = Usage(system)
    wait_for(lambda: len(leaders(system)) == len(SYMBOLS), 30, "a leader for every market")
    wait_for(web.is_fresh, 30, "a freshness of every market")
    watching: list[Witness | Web | Page] = [witness, web, *([page] if page else [])]
    for thread in watching:
        thread.start()
    script = Script(system, options.minutes, dice)
    try:
        script.run(usage)
    finally:
        for thread in watching:
            thread.stopping.set()
        for thread in watching:
            thread.join(30)
    usage.note("end")
    return Report(system, witness, web, page, script, usage).print()


class Script:
    """What is done to the system, and when: windows of exchange time by kind."""

    def __init__(self, system: Hour, minutes: float, dice: random.Random) -> None:
        self._system = system
        self._dice = dice
        self.start_ms = now_ms() + 2_000
        self.end_ms = self.start_ms + int(minutes * 60_000)
        self.windows: list[tuple[str, int, int]] = []
        self.killed: dict[str, Any] = {}
        self.load = 0.0

    def run(self, usage: Usage) -> None:
        """Returns when the time is over. Faults by the exchange's clock are scripted at once."""
        self._plan()
        length_ms = self.end_ms - self.start_ms
        kill_ms = self.start_ms + int(length_ms * 0.75)
        again_ms = kill_ms + 20_000
        minute_ms = self.start_ms
        while (at_ms := now_ms()) < self.end_ms:
            if at_ms >= kill_ms and not self.killed:
                self._kill()
            if at_ms >= again_ms and self.killed and "again_ms" not in self.killed:
                self._system.start(self.killed["role"])
                self.killed["again_ms"] = at_ms
            if at_ms >= minute_ms:
                usage.note(f"{(at_ms - self.start_ms) // 60_000}")
                minute_ms += 60_000
                ended = [n for n, one in self._system.roles.items() if not one.alive()]
                ended = [n for n in ended if n not in ("flask", self.killed.get("role"))]
                if ended:
                    print("ended by itself:", *ended, flush=True)
                load = os.getloadavg()[0]
                self.load = max(self.load, load)
                text = f"minute {(at_ms - self.start_ms) // 60_000}, load {load:.1f}"
                print(text, file=sys.stderr, flush=True)
            time.sleep(0.1)

    def kinds(self, since_ms: int, until_ms: int) -> list[str]:
        """What was going on, or had just been, in that time."""
        return sorted(
            {
                kind
                for kind, start_ms, end_ms in self.windows
                if start_ms - 200 <= until_ms and since_ms <= end_ms + AFTER_MS[kind]
            }
        )

    def _plan(self) -> None:
        length_ms = self.end_ms - self.start_ms
        for minute_ms in range(self.start_ms, self.end_ms - 20_000, 60_000):
            at_ms = minute_ms + self._dice.randrange(2_000, 58_000)
            if at_ms < self.end_ms - 8_000:
                self._add("disconnect", at_ms, 0, "drop", code=self._dice.choice((None, 1001)))
        for share, pings in ((0.25, True), (0.58, False)):
            at_ms = self.start_ms + int(length_ms * share)
            self._add("stall", at_ms, STALL_S * 1000, "silent", for_ms=STALL_S * 1000, pings=pings)
        at_ms = self.start_ms + int(length_ms * 0.42)
        self._add("shutdown", at_ms, 5_000, "shutdown", drop_after_ms=5_000)

    def _add(self, name: str, at_ms: int, length_ms: int, kind: str, **fields: Any) -> None:
        self._system.script(kind, from_ms=at_ms, **fields)
        self.windows.append((name, at_ms, at_ms + length_ms))

    def _kill(self) -> None:
        """SIGKILL for the feed that leads the first market."""
        leading = leaders(self._system)
        role = leading.get(SYMBOLS[0]) or "feed"
        at_ms = now_ms()
        self._system.kill(role)
        led = [symbol for symbol, leader in leading.items() if leader == role]
        self.killed = {"role": role, "at_ms": at_ms, "led": led}
        self.windows.append(("kill", at_ms, at_ms + 3_000))


def leaders(system: Hour) -> dict[str, str]:
    """Which of the feeds leads which market, by the process number in the lease's holder."""
    feeds = {name: role.pid for name, role in system.roles.items() if name.startswith("feed")}
    found = {}
    with system.redis.client() as redis:
        for symbol in SYMBOLS:
            text: Any = redis.get(keys.lease(f"{keys.FEEDS}{symbol}")) or b""
            numbers = set(re.findall(r"\d+", text.decode()))
            for name, pid in feeds.items():
                if str(pid) in numbers:
                    found[symbol] = name
    return found


class Web(threading.Thread):
    """Reads every series over HTTP in turn, and each market's freshness once a second."""

    def __init__(self, system: Hour, witness: Witness, token: str) -> None:
        super().__init__(name="web", daemon=True)
        self.stopping = threading.Event()
        self.counts: Counter[str] = Counter()
        self.problems: list[str] = []
        self.states: dict[str, list[tuple[int, str, str]]] = {symbol: [] for symbol in SYMBOLS}
        self._url = system.url
        self._sights = witness.sights
        self._series = [sight.series for sight in witness.sights.values()]
        self._http = requests.Session()
        self._http.headers["Authorization"] = f"Bearer {token}"

    def run(self) -> None:
        for number in itertools.count():
            began_s = time.monotonic()
            self._look(self._series[number % len(self._series)])
            if number % 3 == 0:
                self._freshness(SYMBOLS[number // 3 % len(SYMBOLS)])
            if self.stopping.wait(max(0.0, 0.11 - (time.monotonic() - began_s))):
                return

    def is_fresh(self) -> bool:
        """Whether every market's candles are said to be fresh."""
        bodies = [self._get("/live-candle", Series(one, INTERVALS["1s"])) for one in SYMBOLS]
        return all(one and one["freshness"]["state"] in ("live", "quiet") for one in bodies)

    def _look(self, series: Series) -> None:
        interval = series.interval
        body = self._get("/data", series, limit=30, time="ms", live=1)
        if body is None:
            return
        self.counts["answers of /data?live=1"] += 1
        opens = [*body["time"], *(one["time"] for one in body["live"])]
        for before_ms, open_ms in itertools.pairwise(opens):
            if open_ms != interval.next_open_ms(before_ms):
                what = "doubled" if open_ms <= before_ms else "hole"
                self.counts[f"{what} over HTTP"] += 1
                self._problem(f"{series} {what} {before_ms} to {open_ms}")

    def _freshness(self, symbol: str) -> None:
        body = self._get("/live-candle", Series(symbol, INTERVALS["1s"]))
        if body is None or "freshness" not in body:
            return
        fresh, states = body["freshness"], self.states[symbol]
        missing_ms = self._sights[f"{symbol}:1m"].missing_ms
        if fresh["state"] == "live" and missing_ms and now_ms() - missing_ms > LIVE_MAX_MS:
            self.counts["live without its trades"] += 1
            self._problem(f"{symbol} live, though {now_ms() - missing_ms} ms behind its trades")
        if not states or states[-1][1] != fresh["state"]:
            states.append((now_ms(), fresh["state"], fresh["why"]))

    def _get(self, path: str, series: Series, **query: Any) -> Any:
        query |= {"symbol": series.symbol, "interval": series.interval.name}
        try:
            answer = self._http.get(f"{self._url}{path}", params=query, timeout=5)
            answer.raise_for_status()
            return answer.json()
        except requests.RequestException as error:
            self.counts["no answer over HTTP"] += 1
            self._problem(f"{path}: {error}")
            return None

    def _problem(self, text: str) -> None:
        if len(self.problems) < 1_000:
            self.problems.append(f"{now_ms()} {text}")


class Page(threading.Thread):
    """A browser on BTCUSDT 1s: its bars, once a second."""

    def __init__(self, system: Hour) -> None:
        super().__init__(name="page", daemon=True)
        self.stopping = threading.Event()
        self.counts: Counter[str] = Counter()
        self.problems: list[str] = []
        self._system = system

    def run(self) -> None:
        try:
            with chromium() as browser:
                page = browser.new_page()
                page.on("pageerror", lambda error: self.problems.append(f"page: {error}"))
                page.goto(self._system.sign_in_link())
                page.wait_for_url(f"{self._system.url}/", timeout=20_000)
                page.goto(f"{self._system.url}/?symbol={SYMBOLS[0]}&interval=1s")
                page.wait_for_function("globalThis.truecandle?.bars().length > 50")
                while not self.stopping.wait(PAGE_EVERY_S):
                    self._look(page.evaluate("truecandle.bars().slice(-40).map((b) => b.time)"))
        except Exception as error:  # a report is due even without a browser
            self.problems.append(f"the page was not watched to the end: {error}")

    def _look(self, times: list[int]) -> None:
        self.counts["samples"] += 1
        for before_ms, open_ms in itertools.pairwise(times):
            if open_ms != before_ms + 1000:
                what = "doubled" if open_ms <= before_ms else "hole"
                self.counts[what] += 1
                self.problems.append(f"{now_ms()} {what} {before_ms} to {open_ms}")


class Usage:
    """What each process has used so far, minute by minute."""

    def __init__(self, system: Hour) -> None:
        self._system = system
        self.notes: list[tuple[str, float, dict[str, tuple[float, int]]]] = []

    def note(self, name: str) -> None:
        used = {}
        for role, pid in self._system.pids().items():
            try:
                stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            except OSError:
                continue
            ticks = int(stat[11]) + int(stat[12])
            used[role] = (ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE"))
        self.notes.append((name, time.monotonic(), used))


class Report:
    """Everything that was seen, and whether it is as it should be."""

    def __init__(
        self, system: Hour, witness: Witness, web: Web, page: Page | None, script: Script,
        usage: Usage,
    ) -> None:  # fmt: skip
        self._system, self._witness, self._web = system, witness, web
        self._page, self._script, self._usage = page, script, usage
        self._bad: list[str] = []

    def print(self) -> int:
        for part in (
            self._script_, self._closings, self._truth, self._chain, self._age, self._fresh,
            self._exchange, self._takeover, self._use, self._browser, self._words,
        ):  # fmt: skip
            try:
                part()
            except Exception as error:  # the rest of an hour's report is worth having
                self._wrong(f"{part.__name__}: {type(error).__name__}: {error}")
        print("\nWRONG:" if self._bad else "\nall as it should be")
        for text in self._bad:
            print(" ", text)
        return 1 if self._bad else 0

    def _wrong(self, text: str) -> None:
        self._bad.append(text)

    def _script_(self) -> None:
        script = self._script
        print(f"\n== Script: {(script.end_ms - script.start_ms) / 60_000:.1f} minutes")
        print(f"  {os.cpu_count()} processors, load {script.load:.1f} at most (all that ran here)")
        kinds = Counter(kind for kind, *_ in script.windows)
        print("  " + ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())))
        struck = requests.get(f"{self._system.sim_url}/sim/faults", timeout=10).json()["struck"]
        print("  struck:", dict(Counter(one["kind"] for one in struck)))

    def _closings(self) -> None:
        """Each candle that closed while watched: exact at its close, later, or never."""
        print("\n== Candles at their close")
        table: Counter[tuple[str, str]] = Counter()
        latest: dict[str, int] = {}
        for sight in self._witness.sights.values():
            interval = sight.series.interval
            for open_ms in interval.opens(
                interval.next_open_ms(interval.open_ms(self._witness.started_ms + 2_000)),
                interval.open_ms(self._script.end_ms - 8_000),
            ):
                end_ms = interval.next_open_ms(open_ms)
                closed = sight.closed.get(open_ms, Closed())
                kinds = "+".join(self._script.kinds(open_ms, end_ms + 3_000)) or "calm"
                how = self._how(closed)
                table[kinds, how] += 1
                if how == "proven later":
                    took_ms = (closed.proven_ms or 0) - (closed.seen_ms or 0)
                    latest[kinds] = max(latest.get(kinds, 0), took_ms)
                elif how != "exact at once" and "stall" not in kinds and "kill" not in kinds:
                    proof = (
                        f"proof {closed.proven_ms - end_ms} ms" if closed.proven_ms else "no proof"
                    )
                    taken = (
                        f"official {closed.official_ms - end_ms} ms" if closed.official_ms else ""
                    )
                    text = f"{how}; after its end: {proof}, {taken}"
                    self._wrong(f"{sight.series} {open_ms} ({kinds}): {text}")
        for kinds in sorted({kinds for kinds, _ in table}):
            counts = {how: n for (one, how), n in sorted(table.items()) if one == kinds}
            late = f", at most {latest[kinds]} ms later" if kinds in latest else ""
            print(f"  {kinds:28} " + ", ".join(f"{n} {how}" for how, n in counts.items()) + late)

    @staticmethod
    def _how(closed: Closed) -> str:
        if closed.is_exact_at_once:
            return "exact at once"
        if closed.proven_ms is not None and closed.proven_ms <= (closed.official_ms or LAST_MS):
            return "proven later"
        if closed.official_ms is None:
            return "never seen closed" if closed.seen_ms is None else "never exact nor official"
        if closed.seen_ms is None or closed.seen_ms >= closed.official_ms:
            return "official before it was live"
        return "official before it was exact"

    def _truth(self) -> None:
        """No claim of completeness was false; everything stored is the exchange's own."""
        judge = self._witness.judge
        print("\n== Truth")
        print(f"  candles judged {judge.seen}, of these complete {judge.claimed}, "
              f"falsely so {len(judge.false)}")  # fmt: skip
        for text in judge.false[:SHOWN]:
            self._wrong(f"false complete: {text}")
        if len(judge.false) > SHOWN:
            self._wrong(f"… and {len(judge.false) - SHOWN} more false ones")
        compared = stored = 0
        end_ms = self._script.end_ms - 10_000
        with self._system.redis.client() as redis:
            for sight in self._witness.sights.values():
                name, interval = sight.series.name, sight.series.interval
                rows = self._system.truth(
                    sight.series.symbol, interval.name, interval.open_ms(self._witness.started_ms),
                    end_ms,
                )  # fmt: skip
                members: Any = redis.zrange(keys.klines(sight.series), 0, -1)
                official = {one.open_ms: one for one in map(official_from_member, members)}
                if len(official) != len(members):
                    self._wrong(f"{name}: two official candles at one time")
                for row in rows:
                    if interval.next_open_ms(row[0]) > end_ms:
                        continue
                    truth = tuple(canonical(text) for text in (*row[1:6], row[7], *row[8:11]))
                    one = official.get(row[0])
                    stored += 1
                    if one is None or _values(one) != truth:
                        self._wrong(f"{name} {row[0]}: official is not the exchange's")
                    closing = judge.closings.get((name, row[0]))
                    if closing and closing.candle:
                        compared += 1
                        if _values(closing.candle) != truth:
                            self._wrong(f"{name} {row[0]}: complete, but not the exchange's")
        print(f"  closed live candles compared with /sim/truth in nine fields: {compared}")
        print(f"  official candles compared with it: {stored}")

    def _chain(self) -> None:
        witness = self._witness
        print("\n== The chain official + pending + forming")
        for name in ("samples", "candles looked at", "event live_candle", "event live_price"):
            print(f"  {name}: {witness.counts[name]}")
        print(f"  longest time between two samples: {witness.longest_s * 1000:.0f} ms")
        print("  over HTTP:", dict(self._web.counts))
        for what in (
            "hole",
            "doubled",
            "state went back",
            "candle went back",
            "no answer of Redis",
        ):
            found = [one for one in witness.troubles if one.what == what]
            print(f"  {what}: {len(found)}")
            for one in found[:SHOWN]:
                kinds = "+".join(self._script.kinds(one.since_ms, one.until_ms)) or "calm"
                self._wrong(f"{what} in {one.series} for {one.until_ms - one.since_ms} ms "
                            f"at {one.since_ms} ({kinds}): {one.detail}")  # fmt: skip
            if len(found) > SHOWN:
                self._wrong(f"… and {len(found) - SHOWN} more of {what}")
        for text in self._web.problems[:SHOWN]:
            self._wrong(f"HTTP: {text}")

    def _age(self) -> None:
        print("\n== Longest time without a fresh candle (ms)")
        print(f"  {'series':14} {'no change':>10}  {'a trade not in':>14}")
        for sight in self._witness.sights.values():
            print(f"  {sight.series.name:14} {sight.still_ms:10} {self._when(sight, 'still'):22} "
                  f"{sight.behind_ms:10} {self._when(sight, 'behind')}")  # fmt: skip
            if sight.behind_ms > BEHIND_MAX_MS:
                self._wrong(f"{sight.series}: behind its trades for {sight.behind_ms} ms")

    def _when(self, sight: Sight, what: str) -> str:
        at_ms = getattr(sight, f"{what}_at_ms")
        kinds = self._script.kinds(at_ms, at_ms + getattr(sight, f"{what}_ms"))
        return f"({'+'.join(kinds) or 'calm'})"

    def _fresh(self) -> None:
        """Each state that was seen, for how long, and in which disturbance."""
        print("\n== Freshness")
        for symbol, states in self._web.states.items():
            ends = [at_ms for at_ms, *_ in states[1:]] + [self._script.end_ms]
            spent: Counter[str] = Counter()
            for (at_ms, state, why), until_ms in zip(states, ends, strict=True):
                spent[state] += until_ms - at_ms
                kinds = self._script.kinds(at_ms - 10_000, at_ms)
                if state in ("stale", "offline"):
                    print(f"    {symbol} {state} {(until_ms - at_ms) / 1000:.1f} s "
                          f"({'+'.join(kinds) or 'calm'}): {why}")  # fmt: skip
                if state in ("stale", "offline") and not kinds and until_ms - at_ms > 3_000:
                    self._wrong(f"{symbol} {state} at {at_ms} without a disturbance: {why}")
            print(f"  {symbol}: " + ", ".join(f"{s} {ms / 1000:.0f} s" for s, ms in spent.items()))
            if not states:
                self._wrong(f"{symbol}: no freshness was told")

    def _exchange(self) -> None:
        print("\n== What was asked of the exchange")
        lines = self._system.roles["sim"].lines
        refetched = [int(line.split()[1]) for line in lines if line.startswith("refetched")]
        print(f"  stream connections opened: {lines.count('connection')}")
        print(f"  trades refetched: {sum(refetched)} in {len(refetched)} requests")
        log = requests.get(f"{self._system.sim_url}/sim/log", timeout=10).json()
        log = [one for one in log if one["at_ms"] >= self._witness.started_ms]
        paths: Counter[str] = Counter()
        minutes: Counter[int] = Counter()
        for one in log:
            paths[one["path"].rpartition("/")[2]] += 1
            minutes[one["at_ms"] // 60_000] += one["weight"]
        bad = Counter(str(one["status"]) for one in log if one["status"] != 200)
        print(f"  REST requests: {dict(paths)}; other than 200: {dict(bad)}")
        mean = sum(minutes.values()) / max(1, len(minutes))
        print(f"  REST weight a minute: {mean:.0f} on average, {max(minutes.values(), default=0)} "
              "at most (6,000 allowed)")  # fmt: skip

    def _takeover(self) -> None:
        killed = self._script.killed
        print("\n== The feed killed while leading")
        if not killed:
            return self._wrong("no feed was killed")
        print(f"  {killed['role']}, which led {', '.join(killed['led']) or 'nothing known'}")
        for symbol in killed["led"] or SYMBOLS:
            leads = self._witness.leads.get(symbol, [])
            after = [(at, who) for at, who in leads if at > killed["at_ms"] and who]
            before = [who for at, who in leads if at <= killed["at_ms"] and who][-1:]
            taken = [at for at, who in after if [who] != before]
            took = f"{taken[0] - killed['at_ms']} ms" if taken else "never"
            print(f"  {symbol}: another leads after {took}; hands changed {len(leads) - 1} times")
            if not taken or taken[0] - killed["at_ms"] > 6_000:
                self._wrong(f"{symbol}: taken over after {took}")

    def _use(self) -> None:
        print("\n== CPU and memory of each process")
        notes = self._usage.notes
        for role in sorted({role for *_, used in notes for role in used}):
            known = [(name, at_s, used[role]) for name, at_s, used in notes if role in used]
            spent = [(one[1], one[2][0]) for one in known]
            ticks = sum(  # after a restart it begins at 0 again
                later - before if later >= before else later
                for (_, before), (_, later) in itertools.pairwise(spent)
            )
            rss, half, rss_end = (known[at][2][1] for at in (0, len(known) // 2, -1))
            share = 100 * ticks / max(1.0, spent[-1][0] - spent[0][0])
            print(f"  {role:8} {share:6.1f} % CPU   {rss / 1e6:7.1f} MB at the start, "
                  f"{half / 1e6:7.1f} half way, {rss_end / 1e6:7.1f} at the end")  # fmt: skip

    def _browser(self) -> None:
        if self._page is None:
            return
        print("\n== The page on BTCUSDT 1s:", dict(self._page.counts))
        for text in self._page.problems[:SHOWN]:
            self._wrong(f"page: {text}")

    def _words(self) -> None:
        """Errors that the roles printed, each kind once."""
        print("\n== Errors that the roles printed")
        for name, role in self._system.roles.items():
            for text, count in Counter(_shapes(role)).most_common(8):
                print(f"  {name}: {count} × {text}")
                if name == "sim":  # it complains of whom it has disconnected
                    continue
                if "Traceback" in text:
                    at = next(i for i, line in enumerate(role.lines) if "Traceback" in line)
                    print("    " + "\n    ".join(role.lines[at : at + 40]))
                if "Traceback" in text or "Exception in thread" in text:
                    self._wrong(f"{name}: {text}")


def _shapes(role: Role) -> list[str]:
    words = re.compile(r"ERROR|CRITICAL|Traceback|Exception|Error:")
    found = [line for line in role.lines if words.search(line)]
    return [re.sub(r"\d+", "#", line)[:160] for line in found]


def _values(candle: Any) -> tuple[str, ...]:
    names = ("open", "high", "low", "close", "volume", "quote_volume", "trades", "taker_volume",
             "taker_quote_volume")  # fmt: skip
    return tuple(canonical(getattr(candle, name)) for name in names)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--page", action="store_true", help="watch a Chromium page too")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
