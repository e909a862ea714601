"""Does every path do what `/openapi.json` says, whatever is sent to it?

    python -m bench.described [--cases 10] [--seed 1]

A whole system is started, and schemathesis (in the environment of `make audit`, `tools/audit.in`)
sends to each operation up to so many requests that the description allows, and as many that it
forbids, with a token that may write. Prints the cases, what each check found, and what refusals
there were by rules that a schema does not say (an interval that is not followed). Exits with 1 at
an answer 5xx, a status or content type that is not described, an answer that is not of its schema,
or something accepted that the description forbids.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Final

from tests.support.role_processes import Roles
from tests.support.whole_system import System
from tools import audit

#: What the tool calls a refusal of what a schema allows: rules beside the schema are no fault.
BY_RULE: Final = "RejectedPositiveData"
#: The tool does not count 408 and 413 as refusals.
REFUSALS: Final = (400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429)
#: The token stands in a file of its own: command lines are seen by everybody.
CONFIGURATION: Final = f"""
headers = {{{{ Authorization = "Bearer {{token}}" }}}}
[checks]
negative_data_rejection.expected-statuses = {list(map(str, REFUSALS))}
"""
LIMIT_S: Final = 1_800
REPORT: Final = "report.json"
EVENTS: Final = "events.ndjson"


def run(system: System, cases: int, seed: int, folder: Path) -> str:
    """Sends everything; what came of it is in the folder, and in words."""
    token = system.flask("token", "add", "demo", "--scope", "write")[-1]
    settings = folder / "schemathesis.toml"
    settings.write_text(CONFIGURATION.format(token=token), encoding="utf-8")
    command = [
        *(audit.BIN / "schemathesis", "--config-file", settings),
        *("run", f"{system.url}/openapi.json"),
        *(
            "--checks",
            "all",
            "--max-examples",
            str(cases),
            "--seed",
            str(seed),
            "--generation-database",
            "none",
        ),
        *("--phases", "examples,coverage,fuzzing", "--continue-on-failure", "--no-shrink"),
        *("--warnings", "off", "--report", "json,ndjson"),
        *("--report-json-path", folder / REPORT, "--report-ndjson-path", folder / EVENTS),
    ]
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"schemathesis failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def told(folder: Path, words: str) -> int:
    """Prints what came of it; 1 where something is not as described."""
    report: dict[str, Any] = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    text = (folder / EVENTS).read_text(encoding="utf-8")
    answers = Counter(map(int, re.findall(r'"status_code":([0-9]+)', text)))
    cases, operations = report["test_cases"]["generated"], report["operations"]["tested"]
    print(f"{cases} cases of {operations} operations, seed {report['seed']}")
    print("answers:", ", ".join(f"{count} × {code}" for code, count in sorted(answers.items())))
    for failure in report["failures"]:
        names = ", ".join(failure["operations"])
        print(f"{failure['count']} × {failure['title']}: {names}")
    faults = [one["type"] for one in report["failures"] if one["type"] != BY_RULE]
    broken = sum(count for code, count in answers.items() if code >= 500)
    print(f"not as described: {len(faults)} kinds; 5xx: {broken}; errors: {report['errors'] or 0}")
    if not (faults or broken or report["errors"]) and cases:
        return 0
    print(words)
    return 1


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    asked.add_argument("--cases", type=int, default=10)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    audit.ensure()
    with tempfile.TemporaryDirectory(prefix="truecandle-described-") as name:
        folder = Path(name)
        system = System(folder, Roles(), "BTCUSDT,ETHUSDT")
        try:
            system.open()
            words = run(system, given.cases, given.seed, folder)
        finally:
            system.close()
        return told(folder, words)


if __name__ == "__main__":
    sys.exit(main())
