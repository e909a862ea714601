"""Secrets among the settings: what makes one good enough, and what may be shown of it.

Never here: which setting is which (`config`), the environment.
Invariant: no word of a refusal is taken from the value.
"""

from __future__ import annotations

import base64
import itertools
import re
from typing import Final
from urllib.parse import unquote

SECRET_KEY_CHARS_MIN: Final = 32
#: Fewer different characters, pairs of neighbours or steps between them, and a text of 32 was made
#: by a person; of 32 random hexadecimal digits not one in a million has so few.
SECRET_KEY_KINDS_MIN: Final = 8
SECRET_KEY_PAIRS_MIN: Final = 16
#: The fewest and the most, as the Standard Webhooks specification has it.
WEBHOOK_SECRET_BYTES: Final = (24, 64)
HEADERS_MAX: Final = 10

_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE: Final = re.compile(r"[!-~](?:[ -~]*[!-~])?")

Headers = tuple[tuple[str, str], ...]


def is_weak(key: str) -> bool:
    """Whether it is short, repeats itself (`abcdefghabcdefgh…`), or counts up or down."""
    neighbours = list(itertools.pairwise(key))
    steps = {ord(after) - ord(before) for before, after in neighbours}
    return (
        len(key) < SECRET_KEY_CHARS_MIN
        or min(len(set(key)), len(steps)) < SECRET_KEY_KINDS_MIN
        or len(set(neighbours)) < SECRET_KEY_PAIRS_MIN
    )


def webhook_secret(text: str) -> str:
    """The secret that signs webhooks, unchanged. Raises a `ValueError`."""
    head, _, rest = text.partition("_")
    try:
        key = base64.b64decode(rest, validate=True)
    except ValueError:
        key = b""
    low, high = WEBHOOK_SECRET_BYTES
    if head != "whsec" or not low <= len(key) <= high:
        raise ValueError(f"allowed: whsec_ and the Base64 of {low} to {high} random bytes")
    return text


def headers(text: str) -> Headers:
    """Headers of HTTP as `NAME=VALUE,NAME=VALUE`, the values percent-encoded where they hold a
    comma, a blank or a %. Raises a `ValueError`."""
    found = list[tuple[str, str]]()
    for item in text.split(","):
        name, equals, value = (part.strip() for part in item.partition("="))
        decoded = unquote(value)
        if not (equals and _HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(decoded)):
            found = []
            break
        found.append((name, decoded))
    names = {name.lower() for name, _ in found}
    if not 1 <= len(found) <= HEADERS_MAX or len(names) < len(found):
        raise ValueError(
            f"allowed: 1 to {HEADERS_MAX} headers, each once, as NAME=VALUE, separated by commas; "
            "in VALUE a comma, a blank and a % are percent-encoded"
        )
    return tuple(found)


def without_values(given: Headers) -> str:
    """Headers as they may be shown."""
    return ",".join(f"{name}=***" for name, _ in given)
