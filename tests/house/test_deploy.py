"""The files of `deploy/`: dashboard, alert rules and units are whole, and safe by our own rules.

Never here: Grafana or systemd running; whether the metrics are there, which a running system shows
(`tests/faults/test_operating.py`, `bench/dashboard.py`).
Invariant: each file is read as the program that it is for reads it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.monitoring_files import (
    ALERT_TESTS,
    ALERTS,
    DEPLOY,
    dashboard,
    expressions,
    metrics_asked_for,
    rules,
)
from tests.support.project_files import ROOT
from tests.support.prometheus_server import adapted, program
from truecandle import metrics

UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
#: What a role never needs.
HARDENED = {
    "NoNewPrivileges": "yes", "CapabilityBoundingSet": "", "PrivateDevices": "yes",
    "PrivateTmp": "yes", "ProtectSystem": "strict", "ProtectHome": "yes",
    "ProtectKernelTunables": "yes", "ProtectKernelModules": "yes", "ProtectControlGroups": "yes",
    "RestrictNamespaces": "yes", "RestrictSUIDSGID": "yes", "LockPersonality": "yes",
    "MemoryDenyWriteExecute": "yes", "SystemCallArchitectures": "native", "Restart": "always",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX", "UMask": "0077", "User": "truecandle",
}  # fmt: skip
EXPOSURE_MAX = 20


def keys_of(unit: Path) -> dict[str, str]:
    return dict(re.findall(r"^(\w+)=(.*)$", unit.read_text(), re.M))


def test_each_role_has_a_unit_that_may_do_little_and_so_has_a_mirror() -> None:
    """The group may read what a mirror writes; it is started where somebody wants it."""
    procfile = (ROOT / "Procfile").read_text()
    names = [unit.stem.partition("-")[2] for unit in UNITS]
    assert names == ["feed", "fetcher", "mirror", "web"]
    target = (DEPLOY / "systemd" / "truecandle.target").read_text()
    for name, unit in zip(names, UNITS, strict=True):
        found, is_mirror = keys_of(unit), name == "mirror"
        hardened = HARDENED | ({"UMask": "0027"} if is_mirror else {})
        assert hardened.items() <= found.items(), unit.name
        _, _, script = found["ExecStart"].partition("/bin/python ")
        assert is_mirror or f"{name}: exec python {script}\n" in procfile
        assert (unit.name in target) == (not is_mirror)
        assert found["LoadCredential"] == f"redis_url:/etc/truecandle/redis-url-{name}"
        assert int(found["TasksMax"]) <= 1200 and found["MemoryMax"].endswith("M")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd on this machine")
def test_systemd_itself_finds_the_units_sound_and_little_exposed(tmp_path: Path) -> None:
    """Looked at with a program in the place of the interpreter, which is not installed here."""
    for unit in UNITS:
        copy = tmp_path / unit.name
        copy.write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text()))
        verified = subprocess.run(
            ["systemd-analyze", "verify", "--recursive-errors=no", str(copy)],
            capture_output=True, text=True,
        )  # fmt: skip
        assert (verified.returncode, verified.stderr) == (0, ""), unit.name
        rated = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX}", copy],
            capture_output=True, text=True,
        )  # fmt: skip
        assert rated.returncode == 0, rated.stdout[-300:]


def test_alert_rules_have_the_form_that_prometheus_reads() -> None:
    (group,) = yaml.safe_load(ALERTS.read_text())["groups"]
    assert group.keys() == {"name", "rules"}
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names)) > 10
    for rule in rules():
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "0s"))
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"].keys() == {"summary", "description"}


def test_every_alert_is_raised_when_it_should_be_and_at_no_other_time() -> None:
    """Prometheus' own tool judges rules and expressions by the series that their tests make up."""
    asked = [
        one for test in yaml.safe_load(ALERT_TESTS.read_text())["tests"]
        for one in test["alert_rule_test"]
    ]  # fmt: skip
    for is_raised in (True, False):
        named = {one["alertname"] for one in asked if bool(one["exp_alerts"]) == is_raised}
        assert named == {rule["alert"] for rule in rules()}
    promtool("check", "rules", str(ALERTS))
    promtool("test", "rules", str(ALERT_TESTS))


def test_prometheus_takes_our_configuration(tmp_path: Path) -> None:
    promtool("check", "config", str(adapted(tmp_path, "127.0.0.1:5000", "a token")))


def promtool(*words: str) -> None:
    checked = subprocess.run([program("promtool"), *words], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_dashboard_is_one_that_grafana_provisions() -> None:
    (source,) = yaml.safe_load(
        (DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text()
    )["datasources"]
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) > 20
    places = [tuple(panel["gridPos"].values()) for panel in panels]
    assert len(set(places)) == len(places)
    for panel in panels:
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        for one in (panel, *panel.get("targets", ())):
            assert panel["type"] == "row" or one["datasource"]["uid"] == source["uid"]


def test_expressions_are_balanced_and_rates_are_of_counters() -> None:
    for expression in expressions():
        for opening, closing in ("()", "[]", "{}"):
            assert expression.count(opening) == expression.count(closing), expression
    for name in re.findall(r"(?:rate|increase)\((\w+)", " ".join(expressions())):
        assert name.endswith(("_total", "_bucket", "_count", "_sum")), name


def test_every_figure_of_a_role_has_a_name_as_prometheus_asks_for() -> None:
    figures = (*metrics.FEED_FIGURES, *metrics.FETCHER_FIGURES)
    for figure in figures:
        assert re.fullmatch(r"truecandle_[a-z_]*[a-z]", figure.metric)
        assert "_ms" not in figure.metric and figure.help.endswith(".")
        if "ms" in figure.said.split("_"):
            assert figure.metric.endswith("_seconds")
    assert len({(figure.metric, figure.label) for figure in figures}) == len(figures)
    assert len(metrics_asked_for()) > 30
