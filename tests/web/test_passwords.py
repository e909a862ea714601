"""Which passwords are good enough, and their hashes at the whole cost."""

from __future__ import annotations

import unicodedata

import pytest
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from tests.support.web_app import CHEAP
from truecandle.web import passwords

COMMON = [word for word in FREQUENCY_LISTS["passwords"] if len(word) >= passwords.CHARS_MIN]


@pytest.fixture(scope="module", autouse=True)
def hashes() -> None:
    """They cost what they cost users."""


def test_the_commonest_passwords_of_breaches_are_all_refused() -> None:
    """Of those that are long enough; ASVS wants the first 3,000."""
    assert len(COMMON) > 11_000
    first = COMMON[:3_000]
    assert [word for word in first if passwords.weakness(word, "ann") is None] == []
    some = COMMON[3_000::20]
    assert [word for word in some if passwords.weakness(word, "ann") is None] == []


@pytest.mark.parametrize(
    "password",
    ["P@ssw0rd", "PASSWORD1234", "qwertyuiop", "aaaaaaaaaaaaaaaa", "abcabcabcabc", "12345678910",
     "truecandle", "TrueCandle1", "binance123", "annabel.lee", "annabel.lee1", "annabel.lee99",
     "drowssap", "1qaz2wsx3edc", "x" * 2000, "short", "é" * 7],
)  # fmt: skip
def test_what_anybody_would_try_first_is_refused(password: str) -> None:
    assert passwords.weakness(password, "annabel.lee")


@pytest.mark.parametrize(
    "password",
    ["correct horse battery", "vK3!pQz9", "Grüße aus Málaga", "日本のろうそく足チャート",
     "x9 Lq mm 2 tt", "open sesame " * 85],
)  # fmt: skip
def test_any_characters_and_any_length_may_be_used(password: str) -> None:
    assert passwords.weakness(password, "ann") is None


def test_a_refusal_says_what_to_do() -> None:
    assert "8 characters" in (passwords.weakness("short", "ann") or "")
    assert "unusual words" in (passwords.weakness("password1", "ann") or "")


def test_length_is_counted_in_characters_however_they_are_composed() -> None:
    text = unicodedata.normalize("NFD", "éèêëüöä")
    assert len(text) == 14
    assert "8 characters" in (passwords.weakness(text, "ann") or "")


def test_a_hash_fits_its_password_alone_and_is_made_as_it_is_made_today() -> None:
    known = passwords.hashed("correct horse battery")
    assert known.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert passwords.verify("correct horse battery", known)
    assert not passwords.verify("correct horse batterY", known)
    assert not passwords.is_outdated(known)
    assert passwords.is_outdated(CHEAP.hash("correct horse battery"))


def test_without_a_hash_nothing_fits() -> None:
    assert not passwords.verify("nobody has this password", "")
    assert not passwords.verify("", "")
    assert not passwords.verify("x", "no hash at all")
