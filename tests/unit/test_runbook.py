"""The runbook knows every alert, and every complaint that the server can log."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.metrics import TABLE

ROOT = Path(__file__).parents[2]
RUNBOOK = (ROOT / "docs" / "how-to" / "runbook.md").read_text("utf-8")
LEVELS = ("warning", "error", "exception", "critical")
SERIES = {
    f"{one.name}{suffix}"
    for one in TABLE
    for suffix in (("_bucket", "_sum", "_count") if one.kind == "histogram" else ("",))
}


def complaints() -> Iterator[str]:
    """What the code logs as more than information."""
    for file in [*ROOT.glob("app/**/*.py"), *ROOT.glob("storage/**/*.py")]:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name("log"), attr=level), args=[ast.Constant(str(text))]):
                    if level in LEVELS:
                        yield text


def alerts() -> list[dict[str, Any]]:
    loaded = yaml.safe_load((ROOT / "packaging" / "prometheus-rules.yml").read_text("utf-8"))
    return [rule for group in loaded["groups"] for rule in group["rules"]]


def test_every_complaint_is_explained() -> None:
    table = RUNBOOK.partition("## What the log says")[2]

    missing = {text for text in complaints() if f"`{text}`" not in table}
    assert missing == set(), "say in docs/how-to/runbook.md what it means, and what to do"


def test_what_is_explained_can_be_logged() -> None:
    rows = RUNBOOK.partition("## What the log says")[2].splitlines()[5:]
    told = {text for row in rows for text in re.findall(r"`([^`]+)`", row.split(" | ")[0])}

    assert told - set(complaints()) == set()


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_asks_for_what_there_is_and_is_explained(alert: dict[str, Any]) -> None:
    asked = set(re.findall(r"ironflow_\w+", alert["expr"]))

    assert asked <= SERIES
    assert asked or "up{" in alert["expr"]
    assert f"\n### {alert['alert']}\n" in RUNBOOK
