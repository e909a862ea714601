"""What the files of `deploy/` ask Prometheus for: the expressions, and the metrics in them.

Never here: assertions.
Invariant: every expression is found, wherever it stands.
"""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from tests.support.project_files import ROOT

DEPLOY = ROOT / "deploy"
DASHBOARD = DEPLOY / "grafana" / "dashboards" / "truecandle.json"
CONFIG = DEPLOY / "prometheus" / "prometheus.yml"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
ALERT_TESTS = DEPLOY / "prometheus" / "alerts.test.yml"


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return found


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> list[str]:
    panels = [target["expr"] for one in dashboard()["panels"] for target in one.get("targets", ())]
    return [*panels, *(rule["expr"] for rule in rules())]


def metrics_asked_for() -> set[str]:
    """Names of samples; what Prometheus makes itself (`up`) is not among them."""
    return {name for one in expressions() for name in re.findall(r"\btruecandle_\w+", one)}


def metrics_shown(text: str) -> set[str]:
    """Names in an answer of `/metrics`: of samples, and of what has none yet."""
    names = set(re.findall(r"^(truecandle_\w+)", text, re.M))
    declared = dict(re.findall(r"^# TYPE (truecandle_\w+) (\w+)", text, re.M))
    parts = ("_bucket", "_count", "_sum")
    return names | declared.keys() | {
        f"{name}{part}" for name, kind in declared.items() if kind == "histogram" for part in parts
    }  # fmt: skip
