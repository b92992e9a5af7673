"""How the audit is told; pure."""

from __future__ import annotations

import csv
import io
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access import audit_event
from app.access.audit import ADMINISTRATIVE, is_administrative
from app.access.audit_event import AUDITED, TRAFFIC
from app.api import audit_export
from app.history import kinds
from app.history.entry import Entry
from app.history.kinds import (
    AuthzDenied,
    AuthzRequest,
    EventEmitted,
    RunCreated,
    RunFailed,
    StepCompleted,
    StepSleeping,
)
from app.history.kinds.function import RetryPolicy
from app.history.kinds.run import Failure
from storage.records import EntryRecord


def told(fact: Any, stream: str = "run/run_1", **options: Any) -> audit_event.AuditEvent:
    record = EntryRecord(
        7, "prod", stream, 1, fact.kind, kinds.encode(fact).decode(), "{}", "ak_1", "", "", 1_764_000_000_000_000, b""
    )
    return audit_event.told(Entry(record), "bill", **options)


def test_runs_and_steps_are_told_as_published() -> None:
    created = told(RunCreated("bill", 3, "evt_1", "order.placed", RetryPolicy(), 1_000))
    failed = told(RunFailed(2, Failure("no money", code="E")))
    step = told(StepCompleted("charge", "charge", msgspec.Raw(b'{"ok":true}'), attempt=2))
    sleeping = told(StepSleeping("nap", "nap", 9))
    undone = told(StepCompleted("c", "c", compensation_for="charge"))

    assert (created.type, created.run_id, created.function_id) == ("run.created", "run_1", "bill")
    assert created.payload["eventId"] == "evt_1"
    assert (failed.type, failed.payload["newStatus"]) == ("run.status_changed", "failed")
    assert failed.payload["error"]["message"] == "no money"
    assert (step.step_id, step.payload["stepName"], step.payload["output"]) == ("charge", "charge", {"ok": True})
    assert (sleeping.type, sleeping.kind, sleeping.payload["stepType"]) == ("step.started", "step.sleeping", "sleep")
    assert (undone.type, undone.payload["compensationTargetStep"]) == ("saga.compensation.completed", "charge")


def test_a_decision_says_who_what_and_why() -> None:
    asked = AuthzRequest("secrets:read", "secret/stripe", "GET /x", "10.0.0.1", "key", ("developer",))

    event = told(AuthzDenied(asked, "policy p denies it", "pol_1", 3, 5), "audit/decisions")

    assert (event.type, event.decision, event.actor) == ("authz.denied", "denied", "ak_1")
    assert (event.action, event.resource, event.address) == ("secrets:read", "secret/stripe", "10.0.0.1")
    assert (event.policy, event.policy_version, event.count) == ("pol_1", 3, 5)


def test_types_are_ours_or_published() -> None:
    assert audit_event.kinds_of("authz.denied") == {"authz.denied"}
    assert "run.failed" in audit_event.kinds_of("run.status_changed")
    assert audit_event.kinds_of("step.started") == {"step.sleeping", "step.waiting", "step.invoking"}
    assert not audit_event.kinds_of("nope")
    assert not AUDITED & TRAFFIC
    assert EventEmitted.kind in TRAFFIC


def test_fields_are_hidden_by_name_and_by_path() -> None:
    data = {"email": "a", "card": {"number": 1, "kind": "x"}, "lines": [{"number": 2, "email": "b"}], "hash": "h"}

    assert audit_event.redacted(data, ["email", "card.number"]) == {
        "email": "[redacted]",
        "card": {"number": "[redacted]", "kind": "x"},
        "lines": [{"number": 2, "email": "[redacted]"}],
        "hash": "[redacted]",
    }


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "＝1", "  =cmd|' /C calc'!A0"])  # noqa: RUF001
def test_no_cell_is_a_formula(text: str) -> None:
    assert audit_export.cell(text).startswith("'")


@given(st.lists(st.text() | st.integers() | st.dictionaries(st.text(max_size=3), st.text(max_size=3)), min_size=1))
def test_csv_is_read_back_as_it_was_written(cells: list[Any]) -> None:
    cells = [one if not isinstance(one, str) or "\0" not in one else "x" for one in cells]
    line = audit_export.csv_line(cells).decode("utf-8")

    [read] = csv.reader(io.StringIO(line, newline=""))

    assert read == [audit_export.cell(one) for one in cells]
    assert not [
        one for one, given in zip(read, cells, strict=True) if isinstance(given, str) and one[:1] in "=+-@" and one
    ]


def test_what_is_administrative() -> None:
    assert all(map(is_administrative, ADMINISTRATIVE))
    assert is_administrative("platform:tenants:manage")
    assert not is_administrative("platform:tenants:read")
    assert not is_administrative("secrets:read")
