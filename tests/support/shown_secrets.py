"""A secret with every awkward character, and whether a text shows anything of it.

Never here: who might show it.
Invariant: six characters in a row count as shown, in any spelling.
"""

from __future__ import annotations

from urllib.parse import quote

SECRET = "S3cr3t/#?x@y"
QUOTED = quote(SECRET, safe="")


def shows(text: str, secret: str = SECRET) -> list[str]:
    """Every part of the secret that a text shows, in any of its spellings."""
    forms = {secret, quote(secret, safe=""), quote(secret)}
    parts = {form[i : i + 6] for form in forms for i in range(len(form) - 5)}
    return sorted(part for part in parts if part in text)
