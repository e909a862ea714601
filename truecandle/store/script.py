"""Lua scripts: read from `lua/`, run by their digest, sent again whenever Redis forgot them.

Never here: what a script does (its own header says), redis-py's own script cache.
Invariant: a flushed script cache or a restarted Redis is never seen by a caller.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import NoScriptError

Argument = str | bytes | int

_FOLDER = Path(__file__).parent / "lua"


class Script:
    """One file of `lua/`, after another with what several have in common, if one is named.

    Scripts may run twice when a connection breaks: they are idempotent.
    """

    def __init__(self, name: str, *, after: str = "") -> None:
        names = [each for each in (after, name) if each]
        texts = [(_FOLDER / f"{each}.lua").read_text(encoding="utf-8") for each in names]
        self.text = "\n".join(texts)
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    def run(self, redis: Redis, keys: Sequence[str], args: Sequence[Argument]) -> Any:
        """The script's answer; its text is sent only when the server does not know it."""
        try:
            return redis.evalsha(self.sha, len(keys), *keys, *args)
        except NoScriptError:
            return redis.eval(self.text, len(keys), *keys, *args)

    def queue(self, pipe: Pipeline, keys: Sequence[str], args: Sequence[Argument]) -> None:
        """Adds a call to a pipeline that `run_all` executes."""
        pipe.evalsha(self.sha, len(keys), *keys, *args)

    def run_all(self, redis: Redis, fill: Callable[[Pipeline], None]) -> list[Any]:
        """The answers of a pipeline that `fill` puts together, in order, not as a transaction.

        An error of one call stands in its place as a `ResponseError`; the others run all the same.
        """
        answers = _execute(redis, fill)
        if any(isinstance(answer, NoScriptError) for answer in answers):
            redis.script_load(self.text)
            answers = _execute(redis, fill)
        return answers


def _execute(redis: Redis, fill: Callable[[Pipeline], None]) -> list[Any]:
    with redis.pipeline(transaction=False) as pipe:
        fill(pipe)
        return pipe.execute(raise_on_error=False)
