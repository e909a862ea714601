"""What the web role prints once it listens: where it is found, and how to sign in.

Never here: anything a browser is answered.
Invariant: a link is printed only for simulated data, and works once.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from typing import Final

from flask import Flask

from truecandle.errors import StoreError
from truecandle.log_lines import say
from truecandle.store.server_monitor import ServerMonitor
from truecandle.watchdog import Watchdog
from truecandle.web.services import EXTENSION, Services
from truecandle.web.ticks import pause_s

DEMO_USER: Final = "demo"
#: How often Redis is asked again while it is away.
RETRY_S: Final = 0.5
#: How soon a signal to stop is noticed.
LOOK_S: Final = 0.25
#: The name of its loop for the watchdog.
LOOP: Final = "web"


def sound_server(app: Flask) -> ServerMonitor:
    """What looks at Redis, after its first look: one that is not to be worked with ends the
    process, with a sentence."""
    services: Services = app.extensions[EXTENSION]
    services.server_monitor.require_sound()
    return services.server_monitor


def stay(app: Flask, stop: Sequence[object]) -> None:
    """Greets, and returns once something is in `stop`: what signal handlers put there."""
    socketio = app.extensions["socketio"]
    socketio.start_background_task(greet, app, stop)
    socketio.start_background_task(watch, app, stop)
    with Watchdog([LOOP]) as watchdog:
        while not stop:
            watchdog.report(LOOP)
            socketio.sleep(pause_s(LOOK_S))


def watch(app: Flask, stop: Sequence[object]) -> None:
    """Looks at Redis for as long as the process lives; what is wrong with it is logged."""
    services: Services = app.extensions[EXTENSION]
    while not stop:
        services.server_monitor.problems()
        if services.server_monitor.refused:
            say(f"web: {services.server_monitor.refused}")
            signal.raise_signal(signal.SIGTERM)
            return
        app.extensions["socketio"].sleep(pause_s(RETRY_S))


def greet(app: Flask, stop: Sequence[object]) -> None:
    """Prints the address at once, and the way in as soon as Redis answers."""
    services: Services = app.extensions[EXTENSION]
    say(f"web: listening on {address(services)}")
    is_waiting = False
    while not stop:
        try:
            for line in lines(services):
                say(line)
            return
        except StoreError as error:
            if not is_waiting:
                say(f"web: waiting for Redis: {error}")
            is_waiting = True
            app.extensions["socketio"].sleep(RETRY_S)


def lines(services: Services) -> list[str]:
    """How to sign in."""
    said = []
    if services.settings.simulated:
        services.accounts.add(DEMO_USER, "", int(time.time() * 1000), "admin")
        secret = services.accounts.add_link(DEMO_USER)
        said.append(f"Open {address(services)}/login#link={secret}")
    elif services.accounts.is_empty():
        said.append("web: nobody can sign in yet; add a user: flask user add NAME")
    else:
        said.append(f"Open {address(services)}/")
    return said


def address(services: Services) -> str:
    """Where a browser on this machine (or, with `PUBLIC_URL`, anywhere) finds the page."""
    if services.settings.public_url:
        return services.settings.public_url
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}  # nosec B104: shown
    host = everywhere.get(services.settings.host, services.settings.host)
    return f"http://{host}:{services.settings.port}"
