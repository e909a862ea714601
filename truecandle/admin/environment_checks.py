"""What candles depend on: the Redis server, the exchange and its clock, the installed versions; and
where traces go, which they do not depend on.

Never here: candles, repairing.
Invariant: what cannot be found out is no finding; what is found out is told in `facts`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from redis import Redis

import truecandle
from truecandle.admin.context import ExchangeSession
from truecandle.admin.finding import Configure, Finding, Share
from truecandle.config import Settings
from truecandle.errors import ExchangeError, StoreDamaged, StoreError
from truecandle.store import clock as shared
from truecandle.store import inspection, shared_settings
from truecandle.store.server_state import ProblemKind, look
from truecandle.tracing import collector

#: The first version with everything that the scripts use.
REDIS_MIN: Final = (6, 2)
#: The roles share the clock every second or two; drift and round trips stay far below this.
CLOCK_OFF_MS_MAX: Final = 2_000
#: What is installed of these has to be of their versions.
LOCKS: Final = ("requirements.txt", "requirements-traces.txt")
#: Packages whose versions are told.
TOLD: Final = ("redis", "requests", "websocket-client", "orjson", "flask", "flask-socketio")

_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


class EnvironmentChecks:
    """`session` is None while the exchange does not answer; `error` says why.

    Settings are the whole server's: only where it is ours alone do they have a cure.
    """

    def __init__(
        self,
        redis: Redis,
        session: ExchangeSession | None,
        error: ExchangeError | None,
        is_alone: Callable[[], bool],
        settings: Settings,
    ) -> None:
        self._redis = redis
        self._settings = settings
        self._is_alone = is_alone
        self._session = session
        self._error = error
        self.facts: dict[str, Any] = {"truecandle": truecandle.__version__}

    def findings(self) -> Iterator[Finding]:
        yield from self._server()
        yield from self._exchange()
        yield from self._packages()
        yield from self._roles()
        if wrong := collector.problem(self._settings):
            yield Finding("traces", "collector of TRACES_URL", wrong)

    def _server(self) -> Iterator[Finding]:
        for problem in look(self._redis):
            cure = _CURES.get(problem.kind)
            if cure is None:
                yield Finding(_NAMES.get(problem.kind, "writes"), "Redis", problem.text)
            elif self._is_alone():
                yield Finding("settings", "Redis", problem.text, (cure,))
            else:
                yield Finding("settings", "Redis", f"{problem.text} {_SHARED}")
        try:
            about = inspection.about(self._redis)
        except StoreError:  # a managed server may not tell
            return
        version = str(about.get("redis_version", ""))
        other = about.get("valkey_version")
        self.facts["redis"] = f"{version} (Valkey {other})" if other else version
        numbers = [int(part) for part in re.findall(r"\d+", version)[:2]]
        if numbers and tuple(numbers) < REDIS_MIN:
            needed = ".".join(map(str, REDIS_MIN))
            what = f"it is version {version}; {needed} is needed: install a newer one"
            yield Finding("redis version", "Redis", what)

    def _exchange(self) -> Iterator[Finding]:
        self.facts["way_out"] = {
            name: str(self._settings.egress.route(url))
            for name, url in (
                ("REST", self._settings.binance_rest_url),
                ("streams", self._settings.binance_ws_url),
            )
        }
        if self._session is None:
            what = f"it does not answer: {self._error}"
            yield Finding("exchange", "exchange", what)
            return
        self.facts["clock_offset_ms"] = self._session.clock.offset_ms()
        known = shared.read(self._redis)
        off_ms = known.exchange_ms - self._session.clock.now_ms()
        if known.publication and abs(off_ms) > CLOCK_OFF_MS_MAX:
            what = f"the roles' exchange clock is off by {off_ms / 1000:+.1f} s"
            yield Finding("clock", "exchange", what, (Share(),))

    def _roles(self) -> Iterator[Finding]:
        try:
            said = {role: shared_settings.living(self._redis, role) for role in ("fetcher", "feed")}
        except StoreDamaged:
            return  # another application's, which is a finding of its own
        for text in shared_settings.differences("this command", self._settings, said):
            yield Finding("roles", "settings", text)

    def _packages(self) -> Iterator[Finding]:
        pinned: dict[str, set[str]] = {}
        for lock in LOCKS:
            path = Path(truecandle.__file__).parents[1] / lock
            # an image holds what was installed from it, not the file
            for name, version in _PIN.findall(path.read_text("utf-8")) if path.exists() else ():
                pinned.setdefault(name.lower(), set()).add(version)
        installed = {name: _installed(name) for name in sorted({*pinned, *TOLD})}
        self.facts["packages"] = {name: installed[name] for name in TOLD}
        others = [
            f"{name} is {installed[name]}, not {' or '.join(sorted(versions))}"
            for name, versions in sorted(pinned.items())
            if installed[name] is not None and installed[name] not in versions
        ]
        if others:
            yield Finding("packages", "packages", "; ".join(others) + ": run make setup")


@cache
def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


_SHARED: Final = "Others use this server too: change it there by hand, if it suits them."
_KEEP: Final = Configure("maxmemory-policy", "noeviction")
_CURES: Final[dict[ProblemKind, Configure]] = {
    "evicting": _KEEP,
    "expiring": _KEEP,
    "unsaved": Configure("appendonly", "yes"),
}
_NAMES: Final[dict[ProblemKind, str]] = {"not_saving": "saving", "events_lost": "events"}
