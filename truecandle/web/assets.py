"""The browser's files (`static/dist/`): their addresses for pages, and their delivery.

Never here: how they are made (`tools/assets.py`); any file that the manifest does not name.
Invariant: an address names one content for ever, so that a browser asks for it once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flask import Blueprint, Flask, Response, abort, current_app, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin

EXTENSION: Final = "truecandle.assets"
PREFIX: Final = "/static/"
#: A year: the longest that caches heed.
CACHE_CONTROL: Final = "public, max-age=31536000, immutable"
SUFFIXES: Final = {"br": ".br", "gzip": ".gz"}

bp = Blueprint("assets", __name__)


class AssetsMissing(RuntimeError):
    """`static/dist/` was not made, or only in part."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file. `bodies`: by content coding, best first; the last one is as it is ("")."""

    type: str
    sha256: str
    bodies: dict[str, bytes]


class Assets:
    """What the manifest names, held in memory: it is small, and read by nobody else."""

    def __init__(self, folder: Path, base: str = "") -> None:
        self._prefix = base + PREFIX
        self._manifest = folder / "manifest.json"
        self._read_ns = 0
        self._names: dict[str, str] = {}
        self._assets: dict[str, Asset] = {}

    def url(self, name: str) -> str:
        """The address of the file that templates call so (`chart.js`). Raises `AssetsMissing`."""
        self._refresh()
        return f"{self._prefix}{self._names[name]}"

    def find(self, name: str) -> Asset | None:
        """The file of that very name, with its hash."""
        if name not in self._assets:
            self._refresh()
        return self._assets.get(name)

    def _refresh(self) -> None:
        """Reads the manifest if it is another than before, as it is while sources change."""
        try:
            changed_ns = self._manifest.stat().st_mtime_ns
            if changed_ns == self._read_ns:
                return
            manifest = json.loads(self._manifest.read_bytes())
            files = manifest["files"].items()
            self._assets = {name: self._read(name, **entry) for name, entry in files}
        except (OSError, ValueError, KeyError, TypeError) as error:
            detail = f"{self._manifest} can't be read ({error}): run `make setup`."
            raise AssetsMissing(detail) from error
        self._names = manifest["assets"]
        self._read_ns = changed_ns

    def _read(self, name: str, *, type: str, sha256: str, encodings: list[str]) -> Asset:
        path = self._manifest.with_name(name)
        bodies = {one: path.with_name(name + SUFFIXES[one]).read_bytes() for one in encodings}
        return Asset(type, sha256, {**bodies, "": path.read_bytes()})


class _Sessions(SecureCookieSessionInterface):
    """Flask's own, but these files are the same for everybody: kept whoever signs in or out."""

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if request.blueprint != bp.name:
            super().save_session(app, session, response)


def init_app(app: Flask, folder: Path, base: str = "") -> None:
    """Serves the files of `static/dist/` in this folder. For templates `asset(name)` is a file's
    address, and `base` the path below which browsers find the page.
    """
    assets = Assets(folder, base)
    app.jinja_env.globals["base"] = base
    app.extensions[EXTENSION] = assets
    app.jinja_env.globals["asset"] = assets.url
    app.register_blueprint(bp)
    app.session_interface = _Sessions()


def url(name: str) -> str:
    """The address of a file, or "" where none was made: an error can be said without style."""
    assets: Assets = current_app.extensions[EXTENSION]
    try:
        return assets.url(name)
    except AssetsMissing:
        return ""


@bp.get(f"{PREFIX}<name>")
def file(name: str) -> Response:
    """One file, compressed as the browser likes it best."""
    assets: Assets = current_app.extensions[EXTENSION]
    asset = assets.find(name)
    if asset is None:
        abort(404)
    coding = next(one for one in asset.bodies if not one or request.accept_encodings[one] > 0)
    body = asset.bodies[coding]
    response = Response(body, content_type=asset.type)
    if coding:
        response.content_encoding = coding
    response.vary.add("Accept-Encoding")
    response.headers["Cache-Control"] = CACHE_CONTROL
    response.set_etag(f"{asset.sha256[:32]}-{coding or 'identity'}")
    response.make_conditional(request, accept_ranges=True, complete_length=len(body))
    return response
