"""The web role: `python app.py`. The `flask` command finds `create` here, and nothing is patched.

Never here: routes, rules; settings are read here and nowhere else in the role.
Invariant: eventlet patches before anything else is imported.
"""

import os
import sys

MODE = os.environ.get("ASYNC_MODE") or "eventlet"

if __name__ == "__main__" and MODE in ("eventlet", "gevent"):
    if early := {"urllib3", "requests", "redis", "flask_socketio"} & set(sys.modules):
        sys.exit(f"{MODE} must patch before {sorted(early)}; start with: python app.py")
    if MODE == "eventlet":
        import warnings

        warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
        import eventlet

        eventlet.monkey_patch()
    else:
        from gevent import monkey

        monkey.patch_all()

import signal
from dataclasses import replace
from typing import Any

from flask import Flask

from truecandle import admin
from truecandle.config import Settings, read_settings, stored_secret_key
from truecandle.errors import SettingsError
from truecandle.store import connect
from truecandle.web import create_app, greeting, log, watch
from truecandle.web.hub import Hub, PortTaken, listen


def create() -> Flask:
    """The app for the `flask` command: same settings, no hub, no events."""
    settings = replace(read_settings(os.environ), async_mode="threading")
    app = create_app(settings, connect(settings.redis_url), socketio_queue=False)
    admin.init_app(app.cli, settings)
    return app


def main() -> int:
    """Settings → connect → wire → run → stop."""
    log.set_up()
    try:
        settings = with_secret_key(read_settings(os.environ))
        sock = listen(settings.host, settings.port)
    except (SettingsError, PortTaken, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    app = create_app(settings, connect(settings.redis_url))
    stop: list[int] = []
    on_stop(lambda number, _: stop.append(number))
    finish = Hub(settings.async_mode).serve(app, sock, lambda: greeting.stay(app, stop))
    watch.close_all(app.extensions["socketio"])
    finish()
    on_stop(signal.SIG_IGN)
    print("web: stopped", flush=True)
    return 0


def on_stop(handler: Any) -> None:
    signal.signal(signal.SIGTERM, handler)
    signal.signal(signal.SIGINT, handler)


def with_secret_key(settings: Settings) -> Settings:
    return replace(settings, secret_key=settings.secret_key or stored_secret_key(settings.var_dir))


if __name__ == "__main__":
    sys.exit(main())
