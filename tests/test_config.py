"""Settings that hold a secret may stand in a file, which no environment shows.

Never here: single settings and their values (`test_urls`, `tests/house/test_secrets.py`).
Invariant: a file that cannot be read is named, and nothing of its content.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from truecandle.config import read_settings
from truecandle.errors import SettingsError

URL = "redis://web:S3cret@redis:6379/0"
KEY = "0123456789abcdef0123456789abcdef-S3cret"


def test_a_secret_is_read_from_the_file_that_its_setting_names(tmp_path: Path) -> None:
    url, key = tmp_path / "url", tmp_path / "key"
    url.write_text(f"{URL}\n")
    key.write_text(f"{KEY}\n")
    settings = read_settings({"REDIS_URL_FILE": str(url), "SECRET_KEY_FILE": str(key)})
    assert (settings.redis_url, settings.secret_key) == (URL, KEY)


def test_a_value_goes_before_a_file_and_an_empty_one_counts_as_not_set(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text(URL)
    given = {"REDIS_URL": "redis://other/0", "REDIS_URL_FILE": str(file)}
    assert read_settings(given).redis_url == "redis://other/0"
    assert read_settings({**given, "REDIS_URL": " "}).redis_url == URL


@pytest.mark.parametrize("content", [b"http://S3cret", b"\xff\xfeS3cret", None])
def test_a_file_that_holds_no_such_setting_is_said_without_its_content(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "url"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError) as wrong:
        read_settings({"REDIS_URL_FILE": str(file)})
    assert "REDIS_URL" in str(wrong.value)
    assert "S3cret" not in str(wrong.value)


def test_only_settings_that_hold_a_secret_are_looked_for_in_files(tmp_path: Path) -> None:
    file = tmp_path / "port"
    file.write_text("6000")
    assert read_settings({"PORT_FILE": str(file)}).port == 5000


def test_a_folder_for_a_mirror_does_not_depend_on_where_a_command_is_typed() -> None:
    assert read_settings({"MIRROR_DIR": "/srv/candles"}).mirror_dir == "/srv/candles"
    with pytest.raises(SettingsError, match="MIRROR_DIR='candles': allowed: the path of a folder"):
        read_settings({"MIRROR_DIR": "candles"})
