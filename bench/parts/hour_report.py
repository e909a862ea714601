"""What an hour of disturbances has shown, and whether it is as it should be.

Never here: watching, disturbing.
Invariant: whatever part of the report fails, the others are printed.
"""

from __future__ import annotations

import itertools
import os
import re
from collections import Counter
from typing import Any

import requests

from bench.parts.candle_watcher import CandleWatcher, Sight
from bench.parts.closed_candles import late, table
from bench.parts.disturbed_system import DisturbedSystem, Script
from bench.parts.outside_watchers import SYMBOLS, Page, Usage, Web
from tests.support.role_processes import Role
from truecandle.candles.candle import official_from_member
from truecandle.candles.decimals import canonical
from truecandle.store import keys

#: A market's trades are in its candle within this, whatever was scripted.
BEHIND_MAX_MS = 30_000
SHOWN = 25
#: What README promises.
TAKEOVER_MAX_MS = 3_000
TROUBLES = ("hole", "doubled", "state went back", "candle went back", "no answer of Redis")


class Report:
    """Everything that was seen, and whether it is as it should be."""

    def __init__(
        self, system: DisturbedSystem, watcher: CandleWatcher, web: Web, page: Page | None,
        script: Script, usage: Usage,
    ) -> None:  # fmt: skip
        self._system, self._watcher, self._web = system, watcher, web
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
        print("\n== Candles at their close")
        for text in table(self._watcher, self._script):
            print(f"  {text}")
        for text, is_excused in late(self._watcher, self._script):
            print(f"  not exact: {text}")
            if not is_excused:
                self._wrong(f"not exact: {text}")

    def _truth(self) -> None:
        """No claim of completeness was false; everything stored is the exchange's own."""
        judge = self._watcher.judge
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
            for sight in self._watcher.sights.values():
                name, interval = sight.series.name, sight.series.interval
                rows = self._system.truth(
                    sight.series.symbol, interval.name, interval.open_ms(self._watcher.started_ms),
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
                    if one is None or not _is(one, truth):
                        self._wrong(f"{name} {row[0]}: official is not the exchange's")
                    closing = judge.closings.get((name, row[0]))
                    if closing and closing.candle:
                        compared += 1
                        if not _is(closing.candle, truth):
                            self._wrong(f"{name} {row[0]}: complete, but not the exchange's")
        print(f"  closed live candles compared with /sim/truth in nine fields: {compared}")
        print(f"  official candles compared with it: {stored}")

    def _chain(self) -> None:
        watcher = self._watcher
        print("\n== The chain official + pending + forming")
        for name in ("samples", "candles looked at", "event live_candle", "event live_price"):
            print(f"  {name}: {watcher.counts[name]}")
        print(f"  longest time between two samples: {watcher.longest_s * 1000:.0f} ms")
        print("  over HTTP:", dict(self._web.counts))
        for what in TROUBLES:
            found = [one for one in watcher.troubles if one.what == what]
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
        for sight in self._watcher.sights.values():
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
        log = [one for one in log if one["at_ms"] >= self._watcher.started_ms]
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
            leads = self._watcher.leads.get(symbol, [])
            after = [(at, who) for at, who in leads if at > killed["at_ms"] and who]
            before = [who for at, who in leads if at <= killed["at_ms"] and who][-1:]
            taken = [at for at, who in after if [who] != before]
            took = f"{taken[0] - killed['at_ms']} ms" if taken else "never"
            print(f"  {symbol}: another leads after {took}; hands changed {len(leads) - 1} times")
            if not taken or taken[0] - killed["at_ms"] > TAKEOVER_MAX_MS:
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


def _is(candle: Any, truth: tuple[str, ...]) -> bool:
    """Whether it says the same; a quote volume may be called unknown."""
    found = _values(candle)
    return all(one in ("", true) for one, true in zip(found, truth, strict=True))


def _values(candle: Any) -> tuple[str, ...]:
    names = ("open", "high", "low", "close", "volume", "quote_volume", "trades", "taker_volume",
             "taker_quote_volume")  # fmt: skip
    texts = (getattr(candle, name) for name in names)
    return tuple("" if text is None else canonical(text) for text in texts)
