"""Documents of a user: saved by version, bounded, gone with the user.

Never here: what stands in a document.
Invariant: a save that is refused has changed nothing.
"""

from __future__ import annotations

from redis import Redis

from tests.support.web_app import NOW_MS
from truecandle.store import keys, user_documents
from truecandle.store.accounts import Accounts
from truecandle.store.user_documents import (
    DRAWINGS,
    KIND_BYTES_MAX,
    LAYOUTS,
    STUDY_TEMPLATES,
    DocumentKind,
    Outcome,
    StoredDocument,
    read,
    read_all,
    remove,
)

KINDS = (DRAWINGS, LAYOUTS, STUDY_TEMPLATES)


def add(redis: Redis) -> None:
    assert Accounts(redis).add("ann", "", NOW_MS, "trader")


def save(
    redis: Redis, name: str, text: str, version: int = 0, kind: DocumentKind = LAYOUTS
) -> tuple[Outcome, StoredDocument]:
    return user_documents.save(redis, kind, "ann", name, StoredDocument(text, version))


def test_a_document_is_replaced_only_by_who_names_its_version(redis: Redis) -> None:
    add(redis)
    assert read(redis, LAYOUTS, "ann", "a") == StoredDocument()
    assert save(redis, "a", "[1]") == ("saved", StoredDocument("[1]", 1))
    assert save(redis, "a", "[2]", 1) == ("saved", StoredDocument("[2]", 2))
    for stale in (0, 1, 3):
        assert save(redis, "a", "[3]", stale) == ("conflict", StoredDocument("[2]", 2))
    assert save(redis, "a", "", 1) == ("conflict", StoredDocument("[2]", 2))
    assert read(redis, LAYOUTS, "ann", "a") == StoredDocument("[2]", 2)


def test_a_save_that_runs_twice_writes_once(redis: Redis) -> None:
    add(redis)
    for _ in range(2):
        assert save(redis, "a", "[1]") == ("saved", StoredDocument("[1]", 1))
    for _ in range(2):
        assert save(redis, "a", "", 1) == ("saved", StoredDocument())


def test_no_version_comes_twice_not_even_of_a_name_that_was_taken_away(redis: Redis) -> None:
    add(redis)
    save(redis, "a", "[1]")
    save(redis, "b", "[1]")
    assert save(redis, "a", "", 1) == ("saved", StoredDocument())
    assert remove(redis, LAYOUTS, "ann", "b")
    assert not remove(redis, LAYOUTS, "ann", "b")
    assert read_all(redis, LAYOUTS, "ann") == {}
    assert save(redis, "a", "[2]") == ("saved", StoredDocument("[2]", 3))
    assert save(redis, "a", "[3]", 1)[0] == "conflict"


def test_kinds_and_users_know_nothing_of_each_other(redis: Redis) -> None:
    add(redis)
    Accounts(redis).add("bob", "", NOW_MS, "trader")
    for kind in KINDS:
        assert save(redis, "BTCUSDT", f'["{kind.noun}"]', kind=kind)[0] == "saved"
    for kind in KINDS:
        found = read_all(redis, kind, "ann")
        assert found == {"BTCUSDT": StoredDocument(f'["{kind.noun}"]', 1)}
        assert read_all(redis, kind, "bob") == {}


def test_there_are_so_many_and_no_more_but_those_there_are_can_be_changed(redis: Redis) -> None:
    add(redis)
    for number in range(LAYOUTS.count_max):
        assert save(redis, f"layout {number}", "[1]")[0] == "saved"
    assert save(redis, "one more", "[1]") == ("full", StoredDocument())
    assert save(redis, "layout 7", "[2]", 8)[0] == "saved"
    assert remove(redis, LAYOUTS, "ann", "layout 9")
    assert save(redis, "one more", "[1]")[0] == "saved"
    assert len(read_all(redis, LAYOUTS, "ann")) == LAYOUTS.count_max


def test_all_of_a_kind_together_are_bounded(redis: Redis) -> None:
    add(redis)
    half = "x" * (KIND_BYTES_MAX // 2)
    assert save(redis, "a", half)[0] == "saved"
    assert save(redis, "b", half) == ("large", StoredDocument())
    assert save(redis, "b", half[:-100])[0] == "saved"
    assert save(redis, "a", half + "x" * 200, 1)[0] == "large"
    assert save(redis, "a", "[]", 1)[0] == "saved"


def test_nothing_is_kept_of_who_is_no_user_and_all_goes_with_a_user(redis: Redis) -> None:
    assert save(redis, "a", "[1]") == ("gone", StoredDocument())
    add(redis)
    for kind in KINDS:
        save(redis, "a", "[1]", kind=kind)
    assert Accounts(redis).remove("ann")
    for key in (keys.drawings("ann"), keys.layouts("ann"), keys.study_templates("ann")):
        assert not redis.exists(key)


def test_what_is_damaged_is_no_document_and_can_be_saved_over(redis: Redis) -> None:
    add(redis)
    redis.hset(keys.layouts("ann"), mapping={"a": "no version", "b": b"\xff"})
    assert read_all(redis, LAYOUTS, "ann") == {}
    assert save(redis, "a", "[1]") == ("saved", StoredDocument("[1]", 1))
