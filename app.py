"""The web role: `python app.py`. The `flask` command finds `create` here, and nothing is patched.

Never here: routes, rules; settings are read here and nowhere else in the role.
Invariant: eventlet patches before anything else is imported.
"""

import os
import sys
import warnings

MODE = os.environ.get("ASYNC_MODE", "").strip() or "eventlet"

if __name__ == "__main__" and MODE in ("eventlet", "gevent"):
    if early := {"urllib3", "requests", "redis", "flask_socketio"} & set(sys.modules):
        sys.exit(f"{MODE} must patch before {sorted(early)}; start with: python app.py")
    if MODE == "eventlet":
        warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
        import eventlet

        eventlet.monkey_patch()
    else:
        try:
            from gevent import monkey
        except ImportError:
            print("ASYNC_MODE='gevent': it is missing; allowed once installed", file=sys.stderr)
            sys.exit(2)
        monkey.patch_all()

import signal
from dataclasses import replace
from typing import Any

from flask import Flask

from truecandle import log_lines, tracing
from truecandle.config import read_settings, require_secret_key, require_settings
from truecandle.errors import SettingsError
from truecandle.store import connect
from truecandle.web import connections, create_app, log, startup_message
from truecandle.web.server import WebServer, listen


def create() -> Flask:
    """The app for the `flask` command: same settings, no hub, no events."""
    from truecandle import admin  # here: a role runs no command, and starts 0.2 s sooner without

    try:
        settings = replace(read_settings(os.environ), async_mode="threading")
    except SettingsError as error:
        return admin.only_config(Flask("truecandle"), os.environ, error)
    app = create_app(settings, connect(settings.redis_url), socketio_queue=False)
    admin.init_app(app.cli, settings, os.environ)
    return app


def main() -> int:
    """Settings → connect → wire → run → stop."""
    settings = require_secret_key(require_settings(os.environ))
    log.set_up(settings.log_format)
    sock = listen(settings.host, settings.port)
    stop: list[int] = []
    on_stop(lambda number, _: stop.append(number))
    with tracing.opened(settings, "web") as traces:
        app = create_app(settings, connect(settings.redis_url), tracing=traces)
        monitor = startup_message.sound_server(app)
        finish = WebServer(settings).serve(app, sock, lambda: startup_message.stay(app, stop))
        connections.of(app).close_all()
        finish()
    on_stop(signal.SIG_IGN)
    log_lines.say("web: stopped")
    return 1 if monitor.refused else 0


def on_stop(handler: Any) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())
