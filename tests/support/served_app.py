"""The web application of this process behind a real port, for clients of other people.

Never here: the ways to serve that users have (`web_process` runs `app.py`), assertions.
Invariant: what is served is what the test built, at the time that its clock tells.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        """Our own access log says it."""


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Its URL."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
