"""What a server is asked to hold live runs at, of each breakpoint."""

from __future__ import annotations

import pytest

from app.debugger.breakpoints import AtChange, AtFailure, AtRecord, AtStep, Breakpoint, When
from app.debugger.leases import Wanted, wanted
from app.debugger.step_ids import branch_label, scope_of, step_name


@pytest.mark.parametrize(
    ("breakpoint_", "expected"),
    [
        (AtStep(1, "charge-*"), Wanted("before", "charge-*")),
        (AtStep(1, "bill/charge"), Wanted("before", "charge", function="bill")),
        (AtStep(1, "charge", place="after"), Wanted("after", "charge")),
        (AtStep(1, "charge", When("step.name != 'x'")), Wanted("before", "charge", "step.name != 'x'")),
        (AtStep(1, "charge", When("step.output.n > 1")), Wanted("after", "charge", "step.output.n > 1")),
        (AtStep(1, "charge", When(count=">= 2")), Wanted("after", "charge", "step.attempt >= 2")),
        (AtStep(1, "a", When("run.id != ''", "%2")), Wanted("after", "a", "(run.id != '') && step.attempt % 2 == 0")),
        (AtFailure(1, "step_failed"), Wanted("after", "*", "step.status == 'failed'")),
        (AtChange(1, "run_a", "charge.amount"), Wanted("after", "charge")),
        (AtFailure(1, "run_failed"), None),
        (AtRecord(1, "run_a", 3), None),
        (AtStep(1, "charge", message="{step.output}"), None),
    ],
)
def test_a_breakpoint_is_a_lease_before_or_after_steps(breakpoint_: Breakpoint, expected: Wanted | None) -> None:
    assert wanted(breakpoint_) == expected


def test_a_lease_for_the_runs_that_another_invokes_says_so() -> None:
    one = Wanted("after", "charge", "step.output.n > 1", "bill")

    assert one.of_children("run_a").condition == 'run.parent_run_id == "run_a" && (step.output.n > 1)'


@pytest.mark.parametrize(
    ("path", "name", "branch"),
    [
        ("charge:0", "charge", ""),
        ("fan:2:charge:1", "charge", "fan[2]"),
        ("fan:2:in:0:charge:0", "charge", "fan[2] / in[0]"),
        ("a\\:b:0", "a:b", ""),
        ("compensate:charge:0", "compensate:charge", ""),
        ("fan:1:compensate:charge:0", "compensate:charge", "fan[1]"),
    ],
)
def test_an_id_of_a_step_tells_its_name_and_branch(path: str, name: str, branch: str) -> None:
    assert (step_name(f"run_a:{path}"), branch_label(scope_of(path))) == (name, branch)
