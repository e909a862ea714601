"""`make audit` says what was not checked, and `make sbom` lists what the image holds.

Never here: the tools themselves, which need a registry and sources of advisories.
Invariant: a check that was not made never counts as one that found nothing.
"""

from __future__ import annotations

import subprocess
from functools import partial

import pytest

from tools import audit


def said(code: int, text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.CompletedProcess([], code, text, "")


def test_a_check_without_a_source_of_advisories_is_said_to_be_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    unreachable = said(1, "npm error audit endpoint returned an error")
    assert audit.checked("packages", lambda: unreachable) == 1
    assert "packages: NOT CHECKED: no source of advisories answers" in capsys.readouterr().out


def test_what_a_check_found_is_shown_and_counts(capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.checked("packages", lambda: said(1, "flask 0.1 has PYSEC-1")) == 1
    assert "PYSEC-1" in capsys.readouterr().out
    assert audit.checked("packages", lambda: said(0, "")) == 0


def test_every_check_is_made_also_after_one_that_found_something(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[str] = []

    def check(name: str, code: int) -> subprocess.CompletedProcess[str]:
        made.append(name)
        return said(code, "found")

    checks = {"one": partial(check, "one", 1), "two": partial(check, "two", 0)}
    monkeypatch.setattr(audit, "CHECKS", checks)
    assert audit.audit() == 1
    assert made == ["one", "two"]


def test_the_tools_are_locked_with_hashes() -> None:
    text = audit.AUDIT_LOCK.read_text()
    for name in ("pip-audit", "bandit", "cyclonedx-bom"):
        assert f"\n{name}==" in f"\n{text}"
    assert "--hash=sha256:" in text
