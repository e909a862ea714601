"""Binance's archives of candles, as files in a folder that is served over HTTP.

Never here: what is in the archives.
Invariant: beside each archive lies the checksum that the exchange gives with it.
"""

from __future__ import annotations

import hashlib
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class ArchiveServer:
    """Archives in a folder, served over HTTP. `asked` are the paths so far, found or not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        archives = self

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                archives.asked.append(self.path)

        serve = partial(Handler, directory=str(folder))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), serve)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def put(self, symbol: str, interval: str, day: str, text: str, digest: str = "") -> None:
        """An archive with this CSV text; `digest` instead of its true one."""
        span = "monthly" if len(day) == 7 else "daily"
        name = f"{symbol}-{interval}-{day}"
        place = self.folder / "data" / "spot" / span / "klines" / symbol / interval
        place.mkdir(parents=True, exist_ok=True)
        path = place / f"{name}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr(f"{name}.csv", text)
        digest = digest or hashlib.sha256(path.read_bytes()).hexdigest()
        (place / f"{name}.zip.CHECKSUM").write_text(f"{digest}  {name}.zip\n")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
