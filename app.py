"""The web role: `python app.py`. The `flask` command finds `create` here, and nothing is patched.

Never here: routes, rules; settings are read here and nowhere else in the role.
Invariant: eventlet patches before anything else is imported.
"""

import os
import sys

MODE = os.environ.get("ASYNC_MODE", "").strip() or "eventlet"

if __name__ == "__main__" and MODE in ("eventlet", "gevent"):
    if early := {"urllib3", "requests", "redis", "flask_socketio"} & set(sys.modules):
        sys.exit(f"{MODE} must patch before {sorted(early)}; start with: python app.py")
    if MODE == "eventlet":
        import warnings

        warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
        import eventlet

        eventlet.monkey_patch()
    else:
        try:
            from gevent import monkey
        except ImportError:
            sys.exit("ASYNC_MODE='gevent': gevent is missing; allowed once it is installed")
        monkey.patch_all()

import signal
from dataclasses import replace
from typing import Any

from flask import Flask

from truecandle import admin
from truecandle.config import require_settings, stored_secret_key
from truecandle.errors import SettingsError
from truecandle.store import connect
from truecandle.web import connections, create_app, log, startup_message
from truecandle.web.server import PortTaken, WebServer, listen


def create() -> Flask:
    """The app for the `flask` command: same settings, no hub, no events."""
    settings = replace(require_settings(os.environ), async_mode="threading")
    app = create_app(settings, connect(settings.redis_url), socketio_queue=False)
    admin.init_app(app.cli, settings)
    return app


def main() -> int:
    """Settings → connect → wire → run → stop."""
    log.set_up()
    settings = require_settings(os.environ)
    try:
        key = settings.secret_key or stored_secret_key(settings.var_dir)
        settings, sock = replace(settings, secret_key=key), listen(settings.host, settings.port)
    except (SettingsError, PortTaken) as error:
        sys.exit(str(error))
    stop: list[int] = []
    on_stop(lambda number, _: stop.append(number))
    app = create_app(settings, connect(settings.redis_url))
    monitor = startup_message.sound_server(app)
    finish = WebServer(settings).serve(app, sock, lambda: startup_message.stay(app, stop))
    connections.of(app).close_all()
    finish()
    on_stop(signal.SIG_IGN)
    print("web: stopped", flush=True)
    return 1 if monitor.refused else 0


def on_stop(handler: Any) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())
