"""A process one of whose loops hangs ends by itself, with the stacks of its threads.

Never here: the roles' own loops (`tests/faults/test_web_process.py` and the like).
Invariant: as long as all loops report, the process lives.
"""

from __future__ import annotations

from tests.support.role_processes import Roles

LIVES = """
import threading, time
from truecandle.watchdog import Watchdog
dog = Watchdog(["one", "two"], hung_s=3)
dog.__enter__()
until = time.monotonic() + 6
def quick():
    while time.monotonic() < until:
        dog.report("one"); time.sleep(0.05)
threading.Thread(target=quick).start()
while time.monotonic() < until:
    dog.report("two"); time.sleep(0.2)
dog.__exit__()
print("lived", flush=True)
time.sleep(4)
print("stopped", flush=True)
"""

NEVER_BEGUN = """
import time
from truecandle.watchdog import Watchdog
Watchdog([], hung_s=1).report("one")
time.sleep(3)
print("lived", flush=True)
"""

HANGS = """
import threading, time
from truecandle.watchdog import Watchdog
dog = Watchdog(["one", "two"], hung_s=2)
dog.__enter__()
def busy():
    while True:
        dog.report("one"); time.sleep(0.05)
threading.Thread(target=busy, daemon=True).start()
def stuck():
    while True:
        pass
print("stuck", flush=True)
stuck()
"""


def test_a_process_whose_loops_all_report_lives_and_after_the_stop_for_ever(
    processes: Roles,
) -> None:
    role = processes.start("lives", ["-c", LIVES])
    role.wait_for_line("lived", 40)
    assert role.process.wait(40) == 0
    role.wait_for_line("stopped")


def test_a_process_one_of_whose_loops_hangs_ends_and_says_where(processes: Roles) -> None:
    role = processes.start("hangs", ["-c", HANGS])
    role.wait_for_line("stuck")
    assert role.process.wait(40) == 1
    role.wait_for_line("Timeout")
    role.wait_for_line("in stuck")


def test_one_that_was_never_begun_ends_nothing(processes: Roles) -> None:
    role = processes.start("never begun", ["-c", NEVER_BEGUN])
    role.wait_for_line("lived", 40)
    assert role.process.wait(40) == 0
