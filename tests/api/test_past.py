"""The past of runs from outside, on both stores: over REST, and with the SDK's two clients."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from typing import Any

import httpx
import pytest

from ironflow import AsyncClient, Client
from ironflow.bundle import Bundle
from ironflow.errors import NotFound
from ironflow.past import Record, RunState
from tests.support.puller import Puller, emit, run, step
from tests.support.server import ServerProcess


@pytest.fixture
def run_id(http: httpx.Client, worker: Puller) -> str:
    """A run that failed once after its first step, and completed in the second attempt."""
    run_id = emit(http)
    job = worker.job()
    worker.report(job, "progress", steps=[step(job, "a", {"n": 1})])
    worker.report(job, "failed", step_offset=1, error={"message": "boom", "code": "E", "retryable": True})
    job = worker.job()
    worker.report(job, "progress", steps=[step(job, "b", [2]), step(job, "b/c", 3)], step_offset=1)
    worker.report(job, "completed", output="done", step_offset=3)
    assert run(http, run_id, wait=10)["status"] == "completed"
    return run_id


def get(http: httpx.Client, run_id: str, what: str, **params: Any) -> dict[str, Any]:
    answer = http.get(f"/api/v1/runs/{run_id}/{what}", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_timeline_tells_what_happened_in_order(http: httpx.Client, run_id: str) -> None:
    told = get(http, run_id, "timeline")

    kinds = [record["kind"] for record in told["records"]]
    assert kinds == [
        *("run.created", "run.started", "step.completed", "run.retrying"),
        *("run.started", "step.completed", "step.completed", "run.completed"),
    ]
    assert told["newest"]["version"] == len(kinds)
    assert not {"before", "after"} & set(told)
    first = told["records"][2]
    assert (first["path"], first["name"], first["status"], first["output_bytes"]) == ("a:0", "a", "completed", 7)
    assert (first["worker_id"], first["attempt"], first["execution"]) == ("w1", 1, 1)
    assert "output" not in first
    retrying = told["records"][3]
    assert (retrying["code"], retrying["message"], retrying["status"]) == ("E", "boom", "waiting")
    assert get(http, run_id, "timeline", search="BOOM")["records"] == [retrying]


def test_a_state_is_as_of_a_position_or_a_time(http: httpx.Client, run_id: str) -> None:
    records = get(http, run_id, "timeline")["records"]
    retrying = records[3]

    then = get(http, run_id, "state", at=retrying["position"])
    by_time = get(http, run_id, "state", at=retrying["at"])
    now = get(http, run_id, "state")

    assert (then["status"], then["attempt"], then["output"]) == ("waiting", 2, None)
    assert [(one["name"], one["output"], one["status"]) for one in then["steps"]] == [("a", {"n": 1}, "completed")]
    assert then["steps"][0]["position"] == records[2]["position"]
    assert (then["behind"], then["next"]["kind"], then["record"]) == (4, "run.started", retrying)
    assert by_time["record"]["version"] >= then["record"]["version"]  # several records may share a millisecond
    assert (now["status"], now["output"], now["next"], now["behind"]) == ("completed", "done", None, 0)
    whole = http.get(f"/api/v1/runs/{run_id}").json()
    assert {name: now[name] for name in whole} == whole


def test_expressions_are_watched_as_of_positions(http: httpx.Client, run_id: str) -> None:
    records = get(http, run_id, "timeline")["records"]
    texts = ["state.a.n + 1", 'state["b/c"]', "step.output", "run.status", "event.name", "state.a.", "size(state)"]
    body = {"expressions": texts, "at": [str(records[3]["position"]), str(records[5]["position"]), ""]}

    told = http.post(f"/api/v1/runs/{run_id}/watch", json=body)

    assert told.status_code == 200, told.text
    found = {one["expression"]: one["values"] for one in told.json()["expressions"]}
    assert [one["value"] for one in found["state.a.n + 1"]] == [2, 2, 2]
    assert [one.get("value") for one in found['state["b/c"]']] == [None, None, 3]
    assert "b/c" in found['state["b/c"]'][0]["error"]
    assert [one["value"] for one in found["step.output"]] == [None, [2], None]
    assert [one["value"] for one in found["run.status"]] == ["waiting", "running", "completed"]
    assert {one["value"] for one in found["event.name"]} == {"user.signed_up"}
    assert all("not valid CEL" in one["error"] for one in found["state.a."])
    assert [one["value"] for one in found["size(state)"]] == [1, 2, 3]


def test_expressions_are_looked_at_over_all_of_a_run_for_their_turns(http: httpx.Client, run_id: str) -> None:
    records = get(http, run_id, "timeline")["records"]
    texts = ["state.a.n", 'state["b/c"] + 1', "run.status", "event.name", "state.a."]

    def turns(**body: Any) -> dict[str, Any]:
        told = http.post(f"/api/v1/runs/{run_id}/watch/turns", json={"expressions": texts, **body})
        assert told.status_code == 200, told.text
        found: dict[str, Any] = told.json()
        return found

    whole = turns()
    late = turns(after=records[4]["position"])

    found = [(one["version"], [value.get("value") for value in one["values"][:3]]) for one in whole["turns"]]
    assert found == [
        (1, [None, None, "waiting_for_capacity"]),
        (2, [None, None, "running"]),
        (3, [1, None, "running"]),
        (4, [1, None, "waiting"]),
        (5, [1, None, "running"]),
        (7, [1, 4, "running"]),
        (8, [1, 4, "completed"]),
    ]
    assert [one["position"] for one in late["turns"]] == [records[6]["position"], records[7]["position"]]
    assert [(one["looked"], one["of"], one.get("after")) for one in (whole, late)] == [(8, 8, None), (3, 8, None)]
    assert turns(after=whole["until"])["looked"] == 0
    assert {one["values"][3]["value"] for one in whole["turns"]} == {"user.signed_up"}
    assert all("not valid CEL" in one["values"][4]["error"] for one in whole["turns"])
    refused = http.post(f"/api/v1/runs/{run_id}/watch/turns", json={"expressions": ["1"] * 21})
    assert (refused.status_code, refused.json()["field"]) == (400, "expressions")
    assert http.post("/api/v1/runs/run_none/watch/turns", json={"expressions": ["1"]}).status_code == 404


def test_a_watch_has_its_bounds(http: httpx.Client, run_id: str) -> None:
    def refused(**body: Any) -> tuple[int, str]:
        told = http.post(f"/api/v1/runs/{run_id}/watch", json=body)
        return told.status_code, told.json()["field"]

    assert refused(expressions=["1"] * 21) == (400, "expressions")
    assert refused(expressions=["1"], at=[""] * 21) == (400, "at")
    assert refused(expressions=["1"], at=["99999999"]) == (400, "at")
    assert refused(expressions=["1"], at=["1"]) == (404, "at")


def test_outputs_can_be_left_out_and_steps_come_in_pages(http: httpx.Client, run_id: str) -> None:
    light = get(http, run_id, "state", outputs="false", limit=2)
    rest = get(http, run_id, "state", steps_after=light["next_steps_after"])
    one = get(http, run_id, "state", step="b")

    assert [(one["path"], one["output"], one["output_bytes"]) for one in light["steps"]] == [
        ("a:0", None, 7),
        ("b:0", None, 3),
    ]
    assert (light["input"], light["output"], light["steps_total"]) == (None, None, 3)
    assert [one["path"] for one in rest["steps"]] == ["b/c:0"]
    assert "next_steps_after" not in rest
    assert [one["output"] for one in one["steps"]] == [[2]]


def test_the_output_of_a_step_is_as_of_a_position(http: httpx.Client, run_id: str) -> None:
    before = get(http, run_id, "timeline")["records"][1]["position"]

    found = get(http, run_id, "steps/a/output")
    early = http.get(f"/api/v1/runs/{run_id}/steps/a/output", params={"at": before})

    assert (found["output"], found["status"], found["step_id"]) == ({"n": 1}, "completed", f"{run_id}:a:0")
    assert (early.status_code, early.json()["field"]) == (404, "step")


@pytest.mark.parametrize(
    ("what", "params", "status", "field"),
    [
        ("state", {"at": "99999999"}, 400, "at"),
        ("state", {"at": "yesterday"}, 400, "at"),
        ("state", {"limit": "10001"}, 400, "limit"),
        ("state", {"outputs": "maybe"}, 400, "outputs"),
        ("state", {"step": "x"}, 404, "step"),
        ("state", {"at": "0"}, 404, "at"),
        ("timeline", {"limit": "0"}, 400, "limit"),
        ("timeline", {"kind": "nonsense"}, 400, "kind"),
        ("timeline", {"after": "-1"}, 400, "after"),
        ("timeline", {"direction": "sideways"}, 400, "direction"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    http: httpx.Client, run_id: str, what: str, params: dict[str, str], status: int, field: str
) -> None:
    answer = http.get(f"/api/v1/runs/{run_id}/{what}", params=params)

    assert (answer.status_code, answer.json().get("field")) == (status, field), answer.text


def test_the_sdk_reads_the_past_blocking_and_awaited(
    shared_server: ServerProcess, environment: str, run_id: str
) -> None:
    with Client(shared_server.url, environment=environment) as client:
        records = list(client.runs.timeline(run_id))
        states = [client.runs.state(run_id, at=record.position) for record in records]
        output = client.runs.step_output(run_id, "b/c", at=records[-1].at)
        last = client.runs.timeline_page(run_id, backward=True, limit=2)
        with pytest.raises(NotFound):
            list(client.runs.timeline("run_0000000000000000000000000"))

    async def awaited() -> tuple[list[Record], list[RunState]]:
        async with AsyncClient(shared_server.url, environment=environment) as client:
            found = [record async for record in client.runs.timeline(run_id)]
            return found, [await client.runs.state(run_id, at=record.position) for record in found]

    assert asyncio.run(awaited()) == (records, states)
    assert [state.record for state in states] == records
    assert [state.next for state in states] == [*records[1:], None]
    assert [len(state.steps) for state in states] == [0, 0, 1, 1, 1, 2, 3, 3]
    assert states[-1].step("a").output == {"n": 1}
    assert output == states[-1].step("b/c")
    assert (output.output, output.path) == (3, "b/c:0")
    assert ([one.position for one in last.items], last.before) == (
        [one.position for one in records[-2:]],
        records[-2].position,
    )


def test_a_patched_output_is_there_from_its_position_on(
    http: httpx.Client, worker: Puller, shared_server: ServerProcess, environment: str
) -> None:
    run_id = emit(http)
    job = worker.job()
    worker.report(job, "progress", steps=[step(job, "a", {"n": 1})])
    worker.report(job, "failed", step_offset=1, error={"message": "boom", "retryable": False})
    run(http, run_id, wait=10)
    body = {"output": {"n": 2}, "reason": "the gateway said so"}
    assert http.post(f"/api/v1/runs/{run_id}/steps/a/patch", json=body).status_code == 200

    with Client(shared_server.url, environment=environment) as client:
        *_, failed, patched = client.runs.timeline(run_id)
        before = client.runs.step_output(run_id, "a", at=failed.position)
        after = client.runs.step_output(run_id, "a")
        diff = client.runs.diff(run_id, failed.position)
        bundle = Bundle(client.runs.export(run_id))
        assert bundle.state() == client.runs.state(run_id)

    assert (patched.kind, patched.status, patched.reason) == ("step.patched", "completed", "the gateway said so")
    assert patched.summary == "a patched: the gateway said so"
    assert (before.output, before.patched, before.original_output) == ({"n": 1}, False, None)
    assert (after.output, after.patched, after.original_output) == ({"n": 2}, True, {"n": 1})
    assert after.position == patched.position
    [changed] = diff.steps
    assert [(one.path, one.before, one.after) for one in changed.changes] == [
        ("/output/n", 1, 2),
        ("/corrected", None, "the gateway said so"),
    ]
    told = http.post("/ironflow.v1.TimeTravelService/GetStepOutputAt", json={"runId": run_id, "stepId": "a"}).json()
    assert (told["patched"], json.loads(b64decode(told["originalOutput"]))) == (True, {"n": 1})


def test_a_fork_tells_where_it_comes_from(
    http: httpx.Client, run_id: str, shared_server: ServerProcess, environment: str
) -> None:
    body = {"reason": "try it", "input": {"n": 9}}
    fork = http.post(f"/api/v1/runs/{run_id}/fork", json=body)
    assert fork.is_success, fork.text
    fork_id = fork.json()["id"]

    with Client(shared_server.url, environment=environment) as client:
        created, *carried = client.runs.timeline(fork_id)
        state = client.runs.state(fork_id)
        bundle = Bundle(client.runs.export(fork_id))
        compared = client.runs.compare(run_id, fork_id)

    assert (created.reason, [one.kind for one in carried[:3]]) == ("try it", ["step.carried"] * 3)
    assert created.summary.startswith(f"greet@1 forked from {run_id} at position ")
    assert state.forked_from is not None
    assert (state.forked_from["run_id"], state.input, state.fork_reason) == (run_id, {"n": 9}, "try it")
    assert [one.carried_from > 0 for one in state.steps] == [True] * 3
    assert (bundle.state().input, bundle.state().steps) == ({"n": 9}, state.steps)
    assert [one.change for one in compared.steps] == ["same"] * 3
    assert compared.first_divergence == ""


def test_all_steps_of_a_long_run_come_with_its_state(
    shared_server: ServerProcess, environment: str, http: httpx.Client, worker: Puller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ironflow.past.STEPS_PAGE", 3)
    run_id = emit(http)
    job = worker.job()
    worker.report(job, "progress", steps=[step(job, f"s{number}", number) for number in range(8)])
    worker.report(job, "completed", output=None, step_offset=8)
    run(http, run_id, wait=10)

    with Client(shared_server.url, environment=environment) as client:
        state = client.runs.state(run_id)

    assert [one.output for one in state.steps] == [*range(8)]
    assert state.steps_total == 8


def test_a_run_is_exported_as_a_bundle(
    http: httpx.Client, shared_server: ServerProcess, environment: str, run_id: str
) -> None:
    with Client(shared_server.url, environment=environment) as client:
        bundle = Bundle(client.runs.export(run_id))
        scrubbed = Bundle(client.runs.export(run_id, scrub=["n"], keep_secrets=True))
        bare = Bundle(client.runs.export(run_id, payloads=False))

        assert list(bundle.timeline()) == list(client.runs.timeline(run_id))
        assert bundle.state() == client.runs.state(run_id)
    assert (bundle.verified.hold, bundle.manifest["environment"]) == (9, environment)
    assert (scrubbed.state().step("a").output, scrubbed.verified.scrubbed) == ({"n": "[scrubbed]"}, 1)
    assert bare.state().step("a").output == "[scrubbed]"
    answer = http.get(f"/api/v1/runs/{run_id}/export")
    assert answer.headers["Content-Type"] == "application/zip"
    assert f'filename="{run_id}.zip"' in answer.headers["Content-Disposition"]
    assert http.get(f"/api/v1/runs/{run_id}/export", params={"secrets": "x"}).json()["field"] == "secrets"
    assert http.get("/api/v1/runs/run_0000000000000000000000000/export").status_code == 404


def test_what_is_redacted_is_gone_from_every_past(
    http: httpx.Client, worker: Puller, shared_server: ServerProcess, environment: str
) -> None:
    """Also from those that the server has in memory."""
    run_id = emit(http, {"name": "private"})
    job = worker.job()
    for begin in (0, 400):
        steps = [step(job, f"s{number}", "private") for number in range(begin, begin + 400)]
        assert worker.report(job, "progress", steps=steps, step_offset=begin).is_success
    worker.report(job, "completed", output="private", step_offset=800)
    run(http, run_id, wait=20)
    with Client(shared_server.url, environment=environment) as client:
        middle = client.runs.timeline_page(run_id, limit=600).items[-1].position
        assert client.runs.step_output(run_id, "s10", at=middle).output == "private"

        redacted = http.post(f"/api/v1/runs/{run_id}/redact", json={"reason": "a person asked for it"})

        assert redacted.is_success, redacted.text
        for _ in range(200):  # the server hears of it as every follower does
            output = client.runs.step_output(run_id, "s10", at=middle).output
            if output != "private":
                break
        assert output["$redacted"] is True
        for at in (middle, None):
            state = client.runs.state(run_id, at=at)
            assert "private" not in json.dumps(state.raw)
        bundle = Bundle(client.runs.export(run_id))
    assert "private" not in json.dumps([*bundle.entries, bundle.state().raw])
    assert (bundle.verified.scrubbed, bundle.verified.redacted) == (0, 802)
