"""The container files: valid by the Compose schema, and safe by our own rules.

Never here: building or running them, which needs an engine.
Invariant: candles survive a crash, nothing runs as root, nothing is open beyond loopback.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.project_files import ROOT, settings_and_defaults
from tests.support.redis_server import RedisProc
from tools import redis_users
from truecandle.store import connect, server_state
from truecandle.store.permissions import USERS

COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SERVICES: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
ROLES = ("web", "fetcher", "feed")
#: What runs once and ends, or when it is asked to.
ONCE = ("users", "admin")
SET_BY_COMPOSE = {"REDIS_URL", "VAR_DIR", "HOST", "PORT", "SECRET_KEY"}
#: A setting's value from a file.
FROM_FILE = "REDIS_URL_FILE"


def check_schema(path: Path) -> subprocess.CompletedProcess[str]:
    command = ("check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path))
    return subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True)


def test_the_compose_file_is_valid_by_the_schema() -> None:
    checked = check_schema(COMPOSE)
    assert checked.returncode == 0, checked.stdout


def test_the_schema_would_notice_a_mistake(tmp_path: Path) -> None:
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(COMPOSE.read_text().replace("healthcheck:", "healthchek:"))
    assert check_schema(wrong).returncode != 0


def test_redis_keeps_candles_through_crash_and_full_memory() -> None:
    command = SERVICES["redis"]["command"]
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert options["--maxmemory"] == "768mb"
    assert options["--appendonly"] == "yes"
    assert options["--appendfsync"] == "everysec"
    assert options["--maxmemory-policy"] == "noeviction"
    assert "candles:/data" in SERVICES["redis"]["volumes"]


def test_redis_is_reachable_by_the_roles_alone() -> None:
    networks = yaml.safe_load(COMPOSE.read_text())["networks"]
    assert "ports" not in SERVICES["redis"]
    assert SERVICES["redis"]["networks"] == ["inside"]
    assert networks["inside"]["internal"] is True


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_restarts_is_watched_and_can_change_little(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == ("no" if name in ONCE else "unless-stopped")
    assert name in ONCE or service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["stop_grace_period"] == "15s"
    assert "no-new-privileges:true" in service["security_opt"]


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_can_take_all_memory_processes_or_disk(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"\d+m", service["mem_limit"])
    assert 0 < service["pids_limit"] <= 1200
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}


def test_redis_refuses_writes_before_its_container_is_out_of_memory() -> None:
    command = SERVICES["redis"]["command"]
    limit_mb = int(command[command.index("--maxmemory") + 1].removesuffix("mb"))
    assert limit_mb * 2 <= int(SERVICES["redis"]["mem_limit"].removesuffix("m"))


@pytest.mark.parametrize("role", [*ROLES, "admin"])
def test_each_role_has_the_password_of_its_own_user_of_redis_alone_and_in_no_environment(
    role: str,
) -> None:
    service = SERVICES[role]
    mounted = [one for one in service["volumes"] if one.startswith("redis-")]
    assert mounted == [f"redis-{role}:/run/redis-user:ro"]
    environment = service["environment"]
    assert (environment["REDIS_URL"], environment[FROM_FILE]) == ("", "/run/redis-user/url")
    assert environment.get("SECRET_KEY") == (None if role == "web" else "")


def test_the_one_that_makes_the_users_has_no_network_and_redis_waits_for_it() -> None:
    users = SERVICES["users"]
    assert users["network_mode"] == "none"
    assert SERVICES["redis"]["depends_on"] == {
        "users": {"condition": "service_completed_successfully"}
    }
    folders = [one.split(":")[1] for one in users["volumes"]]
    assert {folder.rpartition("/")[2] for folder in folders} == {"server", *USERS}
    for folder in folders:
        assert folder in DOCKERFILE, "a volume is its user's only if the image has the folder"


def test_the_server_starts_with_these_very_options_and_knows_the_users(tmp_path: Path) -> None:
    """The options of the compose file, with a folder of this test for the users' file."""
    users = tmp_path / "users"
    command = SERVICES["redis"]["command"]
    options = [one.replace("/etc/redis-users", str(users / "server")) for one in command[1:]]
    server = RedisProc(tmp_path, extra=options)
    redis_users.make(users, f"redis://127.0.0.1:{server.port}/0")
    with server:
        for user in USERS:
            with connect((users / user / "url").read_text().strip()) as client:
                # A role tries whether writes are taken, too; who only reads is let in.
                assert client.ping() if user == "mirror" else server_state.look(client) == []


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_runs_as_root(name: str) -> None:
    last_user = re.findall(r"^USER (\S+)$", DOCKERFILE, re.M)[-1]
    user = SERVICES[name].get("user", last_user if "build" in SERVICES[name] else "root")
    assert user.isdecimal()
    assert int(user) > 0


@pytest.mark.parametrize("role", ROLES)
def test_every_role_waits_for_a_healthy_redis(role: str) -> None:
    assert SERVICES[role]["depends_on"] == {"redis": {"condition": "service_healthy"}}


def test_only_the_page_and_with_its_profile_grafana_are_published_and_on_loopback() -> None:
    ports = {name: one["ports"] for name, one in SERVICES.items() if "ports" in one}
    assert ports == {
        "web": ["127.0.0.1:${PORT:-5000}:5000"],
        "grafana": ["127.0.0.1:${GRAFANA_PORT:-3000}:3000"],
    }


def test_monitoring_is_started_on_demand_and_does_not_reach_redis() -> None:
    whole = yaml.safe_load(COMPOSE.read_text())
    for name in ("prometheus", "grafana"):
        assert SERVICES[name]["profiles"] == ["monitoring"]
        assert "inside" not in SERVICES[name]["networks"]
        for mounted in (one for one in SERVICES[name]["volumes"] if one.startswith("./")):
            assert (ROOT / mounted.split(":")[0]).is_dir() and mounted.endswith(":ro")
    assert SERVICES["prometheus"]["networks"] == ["monitoring"]
    assert whole["networks"]["monitoring"]["internal"] is True
    assert all(one["file"].startswith("./var/") for one in whole["secrets"].values())


def test_the_containers_set_only_settings_that_exist() -> None:
    given = {name for role in ROLES for name in SERVICES[role]["environment"]}
    assert given == SET_BY_COMPOSE | {FROM_FILE}
    assert set(settings_and_defaults()) >= SET_BY_COMPOSE


def test_the_commands_are_those_of_the_procfile() -> None:
    procfile = (ROOT / "Procfile").read_text()
    for role in ROLES:
        assert f"{role}: exec {' '.join(SERVICES[role]['command'])}\n" in procfile


def test_the_image_takes_only_what_is_tracked_and_no_secrets() -> None:
    ignore = (ROOT / ".dockerignore").read_text().split("\n")
    allowed = {line[1:] for line in ignore if line.startswith("!")}
    copied = {
        source.partition("/")[0]
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.M)
        for source in line.split()[:-1]
    }
    assert "*" in ignore
    assert copied == allowed
    assert not allowed & {".env", "var", ".venv", ".git"}
