"""Before anything starts, a taken port is named, with who has it and the way out.

Never here: starting roles.
Invariant: whoever reads the message can type the way out as it stands there.
"""

from __future__ import annotations

import re
import sys

import pytest

from tests.support.loopback_ports import accepts, free_port
from tests.support.role_processes import Role, Roles
from tests.support.waiting import wait_for
from tools import ports
from tools.ports import Port

LISTENS = "import socket, sys, time; s = socket.create_server(('127.0.0.1', int(sys.argv[1])))"


@pytest.fixture
def squatter(processes: Roles) -> tuple[Role, int]:
    number = free_port()
    role = processes.start("squatter", ["-c", f"{LISTENS}; time.sleep(600)", str(number)])
    wait_for(lambda: accepts(number))
    return role, number


def test_free_ports_are_no_problem() -> None:
    assert ports.problems([Port("PORT", free_port(), "the page")], "make demo") == []


def test_a_taken_port_is_named_with_its_owner_and_a_way_out(squatter: tuple[Role, int]) -> None:
    role, number = squatter
    [problem] = ports.problems([Port("PORT", number, "the page")], "make demo")
    assert f"Port {number} (the page) is taken by " in problem
    way_out = re.search(r"make demo PORT=(\d+)$", problem)
    assert way_out
    assert ports.why_not("127.0.0.1", int(way_out[1])) is None
    if sys.platform == "linux":
        assert f"(process {role.pid})" in problem


def test_all_taken_ports_are_named_at_once(squatter: tuple[Role, int]) -> None:
    number = squatter[1]
    wanted = [Port("PORT", number, "the page"), Port("REDIS_PORT", number, "Redis")]
    found = ports.problems([*wanted, Port("SIM_PORT", free_port(), "sim")], "make demo")
    assert len(found) == 2
    assert found[1] == f"REDIS_PORT and PORT are both {number}."


def test_an_address_that_is_not_ours_is_named() -> None:
    [problem] = ports.problems([Port("PORT", free_port(), "the page", "192.0.2.1")], "make run")
    assert "cannot be opened on 192.0.2.1" in problem
