"""What differs in a run and between runs, from outside and with the SDK. Both stores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ironflow import Client
from ironflow.errors import InvalidArgument, NotFound
from tests.support.puller import Puller, emit, run, step
from tests.support.server import ServerProcess


@pytest.fixture
def client(shared_server: ServerProcess, environment: str) -> Iterator[Client]:
    with Client(shared_server.url, environment=environment) as made:
        yield made


def complete(http: httpx.Client, worker: Puller, data: Any, outputs: dict[str, Any], status: str = "completed") -> str:
    """A run with these steps."""
    run_id = emit(http, data)
    job = worker.job()
    assert job["run_id"] == run_id
    worker.report(job, "progress", steps=[step(job, name, output) for name, output in outputs.items()])
    end = {"output": "ok"} if status == "completed" else {"error": {"message": "boom", "code": "E", "retryable": False}}
    worker.report(job, status, step_offset=len(outputs), **end)
    assert run(http, run_id, wait=10)["status"] == status
    return run_id


def test_a_diff_tells_what_changed_between_two_positions(http: httpx.Client, worker: Puller, client: Client) -> None:
    run_id = complete(http, worker, {"id": 1}, {"a": {"n": 1, "list": [1, 2]}, "b": 2})
    created, started, *_, last = client.runs.timeline(run_id)

    first = client.runs.diff(run_id, created.position, started.position)
    rest = client.runs.diff(run_id, started.position)
    back = client.runs.diff(run_id, last.position, started.position)

    assert {one.path: (one.before, one.after) for one in first.run} == {
        "/status": ("waiting_for_capacity", "running"),
        "/executions": (0, 1),
        "/worker_id": (None, "w1"),
    }
    assert (first.steps, first.same, first.a.status, first.b.position) == (
        (),
        False,
        "waiting_for_capacity",
        started.position,
    )
    assert [(one.op, one.path, one.after) for one in rest.run] == [
        ("replace", "/status", "completed"),
        ("add", "/output", "ok"),
    ]
    assert [(one.path, one.change) for one in rest.steps] == [("a:0", "added"), ("b:0", "added")]
    [added] = rest.steps[0].changes
    assert (added.op, added.path, added.after["output"]) == ("add", "", {"n": 1, "list": [1, 2]})
    assert [(one.path, one.change) for one in back.steps] == [("a:0", "removed"), ("b:0", "removed")]
    assert client.runs.diff(run_id, last.position).same


def test_a_step_that_failed_and_was_tried_again_is_a_change_of_it(
    http: httpx.Client, worker: Puller, client: Client
) -> None:
    run_id = emit(http)
    job = worker.job()
    failed = step(job, "a", status="failed", error={"message": "boom", "code": "E", "retryable": True})
    del failed["output"]
    worker.report(job, "progress", steps=[failed])
    worker.report(job, "failed", step_offset=1, error={"message": "boom", "code": "E", "retryable": True})
    job = worker.job()
    worker.report(job, "progress", steps=[step(job, "a", 7)], step_offset=1)
    worker.report(job, "completed", output=1, step_offset=2)
    run(http, run_id, wait=10)
    [before] = client.runs.timeline(run_id, kind="step.failed")

    [changed] = client.runs.diff(run_id, before.position).steps

    told = {one.path: (one.op, one.before, one.after) for one in changed.changes}
    assert told == {
        "/status": ("replace", "failed", "completed"),
        "/output": ("add", None, 7),
        "/error": ("remove", {"message": "boom", "code": "E"}, None),
        "/attempt": ("replace", 1, 2),
    }
    assert changed.before is not None
    assert changed.after is not None
    assert (changed.before.position, changed.after.attempt) == (before.position, 2)


def test_runs_are_compared_step_by_step(http: httpx.Client, worker: Puller, client: Client) -> None:
    good = complete(http, worker, {"id": 1}, {"a": 1, "b": {"amount": 50, "to": "x"}, "c": 3})
    bad = complete(http, worker, {"id": 1}, {"a": 1, "b": {"amount": 99, "to": "x"}, "d": 4}, "failed")

    found = client.runs.compare(good, bad)
    changed = client.runs.compare(good, bad, changed=True)

    assert [(one.path, one.change) for one in found.steps] == [
        ("a:0", "same"),
        ("b:0", "changed"),
        ("d:0", "added"),
        ("c:0", "removed"),
    ]
    assert [(one.path, one.before, one.after) for one in found.steps[1].changes] == [("/output/amount", 50, 99)]
    assert [one.path for one in changed.steps] == ["b:0", "d:0", "c:0"]
    assert (found.first_divergence, found.same) == ("b:0", False)
    assert {one.path: one.after for one in found.run} == {
        "/status": "failed",
        "/output": None,
        "/error": {"message": "boom", "code": "E"},
    }
    assert (found.a.run_id, found.b.status, found.a.function_version) == (good, "failed", 1)


def test_runs_with_other_inputs_diverge_before_their_first_step(
    http: httpx.Client, worker: Puller, client: Client
) -> None:
    one = complete(http, worker, {"id": 1}, {"a": 1})
    other = complete(http, worker, {"id": 2}, {"a": 1})
    same = complete(http, worker, {"id": 2}, {"a": 1})

    assert client.runs.compare(one, other).first_divergence == ""
    alike = client.runs.compare(other, same)
    assert (alike.first_divergence, alike.same, list(alike.run)) == (None, True, [])
    with pytest.raises(NotFound):
        client.runs.compare(one, "run_0000000000000000000000000")


def test_pages_of_steps_are_put_together(
    http: httpx.Client, worker: Puller, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ironflow.comparing.STEPS_PAGE", 2)
    one = complete(http, worker, 1, {f"s{number}": number for number in range(5)})
    other = complete(http, worker, 1, {f"s{number}": -number for number in range(5)})
    created, *_ = client.runs.timeline(one)

    assert [step.path for step in client.runs.compare(one, other).steps] == [f"s{n}:0" for n in range(5)]
    assert [step.path for step in client.runs.diff(one, created.position).steps] == [f"s{n}:0" for n in range(5)]


def test_the_last_good_run_is_of_the_version_and_the_input_if_there_is_one(
    http: httpx.Client, worker: Puller, client: Client
) -> None:
    first = complete(http, worker, {"id": 0}, {})
    assert client.runs.last_good(first) is None
    alike = complete(http, worker, {"order": {"id": 1, "lines": [{"sku": "a"}]}}, {})
    complete(http, worker, {"refund": True}, {})
    bad = complete(http, worker, {"order": {"id": 2, "lines": [{"sku": "a"}, {"sku": "b"}]}}, {}, "failed")

    found = client.runs.last_good(bad)
    assert found is not None
    assert (found.run["id"], found.same_version) == (alike, True)
    assert 0.4 < found.similarity < 1

    worker.register_function(timeoutMs=5_000)
    newer = complete(http, worker, {"other": 1}, {})
    bad = complete(http, worker, {"order": {"id": 2, "lines": []}}, {}, "failed")

    found = client.runs.last_good(bad)
    assert found is not None
    assert (found.run["id"], found.same_version) == (newer, True)


def test_the_precedents_of_a_step_are_what_it_gave_where_all_went_well(http: httpx.Client, worker: Puller) -> None:
    first = complete(http, worker, 1, {"charge": {"amount": 1}, "ship": True})
    second = complete(http, worker, 2, {"charge": {"amount": "2"}})
    bad = complete(http, worker, 3, {"charge": None}, "failed")
    redacted = complete(http, worker, 4, {"charge": "4111"})
    assert http.post(f"/api/v1/runs/{redacted}/steps/charge/redact", json={"reason": "a card"}).status_code == 200

    def told(run_id: str, step: str) -> dict[str, Any]:
        answer: dict[str, Any] = http.get(f"/api/v1/runs/{run_id}/steps/{step}/precedents").json()
        return answer

    outputs = [{"run_id": second, "output": {"amount": "2"}}, {"run_id": first, "output": {"amount": 1}}]
    assert told(bad, "charge:0") == {"outputs": outputs, "left_out": 0}
    assert told(bad, f"{bad}:charge:0") == told(bad, "charge:0")
    assert told(second, "charge:0")["outputs"] == outputs[1:]
    assert told(bad, "ship:0")["outputs"] == [{"run_id": first, "output": True}]
    assert told(bad, "nothing") == {"outputs": [], "left_out": 0}


def test_what_cannot_be_compared_is_refused(http: httpx.Client, worker: Puller, client: Client) -> None:
    run_id = complete(http, worker, 1, {})
    [created, *_] = client.runs.timeline(run_id)

    missing = http.get(f"/api/v1/runs/{run_id}/diff")
    assert (missing.status_code, missing.json()["field"]) == (400, "a")
    with pytest.raises(InvalidArgument, match="has not happened yet"):
        client.runs.diff(run_id, 10**9)
    with pytest.raises(NotFound, match="did not exist"):
        client.runs.diff(run_id, created.position - 1)
    with pytest.raises(NotFound):
        client.runs.last_good("run_0000000000000000000000000")
