"""Failures and search over REST, both stores: as an SDK and a dashboard see them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from ironflow import Client
from ironflow.errors import Conflict, InvalidArgument, NotFound
from tests.support.puller import Puller, emit, step
from tests.support.server import ServerProcess

STACK = 'Traceback (most recent call last):\n  File "/opt/shop/cards.py", line 7, in charge\n    raise\nDeclined: no\n'


@pytest.fixture
def worker(http: httpx.Client) -> Puller:
    made = Puller(http)
    made.register_function(retry={"maxAttempts": 1, "onExhausted": "fail"})
    made.register()
    return made


@pytest.fixture
def client(shared_server: ServerProcess, environment: str) -> Client:
    return Client(shared_server.url, environment=environment)


def fail(http: httpx.Client, worker: Puller, message: str, data: Any = None, *, user: str = "") -> str:
    """The run that has; of an event of a user's stream, if one is given."""
    if user:
        body = {"entityType": "user", "name": "user.made", "data": data or {}}
        assert http.post(f"/api/v1/streams/{user}/events", json=body).is_success
    run_id = "" if user else emit(http, data)
    job = worker.job()
    run_id = run_id or job["run_id"]
    error = {"message": message, "code": "STEP_FAILED", "stack": STACK}
    failed = {**step(job, "charge"), "status": "failed", "error": error}
    assert worker.report(job, "failed", steps=[step(job, "price", 7), failed], error=error).status_code == 200
    http.get(f"/api/v1/runs/{run_id}", params={"wait": 10})
    return run_id


def complete(http: httpx.Client, worker: Puller, data: Any = None) -> str:
    run_id = emit(http, data)
    worker.report(worker.job(), "completed", output=1)
    http.get(f"/api/v1/runs/{run_id}", params={"wait": 10})
    return run_id


def test_failures_are_grouped_explained_and_compared(http: httpx.Client, worker: Puller, client: Client) -> None:
    for number in range(4):
        complete(http, worker, {"currency": "EUR", "n": number})
    runs = [fail(http, worker, f"Declined: card {n} of c-{n}8123", {"currency": "JPY", "n": n}) for n in range(3)]
    other = fail(http, worker, "Timeout: gateway", {"currency": "EUR"})

    similar = client.runs.similar(runs[0])
    groups = client.failures.list().items
    group = client.failures.get(similar["group"]["fingerprint"])

    assert [(one["title"], one["failures"], one["open"]) for one in groups] == [
        ("Timeout: gateway", 1, 1),
        ("Declined: card <number> of <id>", 3, 3),
    ]
    assert {one["run_id"] for one in similar["neighbours"][:2]} == set(runs[1:])
    assert similar["neighbours"][0]["similarity"] > similar["neighbours"][2]["similarity"]
    assert similar["neighbours"][2]["run_id"] == other
    assert similar["nearness"] == "exact"
    assert similar["repairs"] == []
    assert (group["step"], group["error_type"], group["top_frame"]) == ("charge", "Declined", "shop/cards.py:charge")
    assert group["error"]["stack"] == STACK
    assert group["versions"][0]["failures"] == 3
    assert [sample["run_id"] for sample in group["samples"]] == runs[::-1]
    assert group["differences"][0]["path"] == "data.currency"
    assert (group["differences"][0]["failed"], group["differences"][0]["succeeded"]) == (1.0, 0.0)
    assert sum(group["series"]["counts"]) == 3
    assert [one["fingerprint"] for one in client.failures.list(search="gateway").items] == [groups[0]["fingerprint"]]


def test_a_group_tells_which_versions_workers_and_entities_are_affected(
    http: httpx.Client, worker: Puller, client: Client
) -> None:
    other = Puller(http, name="w2")
    for user in ("u-8", "u-8", "u-9"):
        fail(http, worker, "Declined: no", user=user)
    other.register()
    last = fail(http, other, "Declined: no")

    client.runs.similar(last)  # waits until its failure is counted
    [row] = client.failures.list().items
    group = client.failures.get(row["fingerprint"])

    assert row["affected"] == {"versions": 1, "first_version": 1, "last_version": 1, "entities": 2}
    assert [(one["worker_id"], one["failures"], one["runs"]) for one in group["workers"]] == [
        ("w1", 3, 3),
        ("w2", 1, 1),
    ]
    assert [(one["entity_type"], one["entity_id"], one["failures"]) for one in group["entities"]] == [
        ("user", "u-8", 2),
        ("user", "u-9", 1),
    ]


def test_groups_are_merged_and_split_with_a_reason_that_history_keeps(
    http: httpx.Client, worker: Puller, client: Client
) -> None:
    runs = [fail(http, worker, message) for message in ("Declined: no", "Timeout: gateway")]
    into, other = [client.runs.similar(run)["group"]["fingerprint"] for run in runs]

    merged = client.failures.merge(other, into=into, reason="one outage")
    with pytest.raises(InvalidArgument, match="was not merged"):
        client.failures.split(into, ["0" * 16], reason="x")
    detail = client.failures.get(other)
    split = client.failures.split(into, reason="two after all")

    assert (merged["fingerprint"], merged["failures"], merged["runs"]) == (into, 2, 2)
    assert (detail["fingerprint"], [one["title"] for one in detail["merged"]]) == (into, ["Timeout: gateway"])
    assert (split["failures"], client.failures.get(other)["failures"]) == (1, 1)
    entries = http.get("/api/v1/history", params={"stream": f"failure/{other}"}).json()["entries"]
    assert sorted(one["kind"] for one in entries) == ["failure.merged", "failure.split"]
    assert http.post(f"/api/v1/failures/{into}/split", json={"reason": "x"}).status_code == 412


def test_a_repair_is_suggested_to_the_next_that_fails_so(http: httpx.Client, worker: Puller, client: Client) -> None:
    first = fail(http, worker, "Declined: card 1")
    client.runs.resume(first)
    worker.report(worker.job(), "completed", output=1)
    http.get(f"/api/v1/runs/{first}", params={"wait": 10})

    second = fail(http, worker, "Declined: card 2")
    [repair] = client.runs.similar(second)["repairs"]

    assert (repair["how"], repair["runs"], repair["examples"][0]["run_id"]) == ("resumed", 1, first)


def test_what_mended_one_run_is_applied_to_the_others(http: httpx.Client, worker: Puller, client: Client) -> None:
    first, second, third = [fail(http, worker, f"Declined: card {n}") for n in range(3)]
    fingerprint = client.runs.similar(first)["group"]["fingerprint"]
    body = {"output": {"id": "ch_1"}, "reason": "the bank has it", "resume": True}
    assert http.post(f"/api/v1/runs/{first}/steps/charge/patch", json=body).is_success
    worker.report(worker.job(), "completed", output=1)
    http.get(f"/api/v1/runs/{first}", params={"wait": 10})

    plan = client.failures.apply_patch(fingerprint, from_run=first, dry_run=True)
    versions = {one["run_id"]: one["plan"]["version"] for one in plan["runs"]}
    stale = {**versions, third: versions[third] - 1}
    done = client.failures.apply_patch(fingerprint, from_run=first, expected_versions=stale, reason="as in the first")

    assert [one["run_id"] for one in plan["runs"]] == [third, second]
    assert (plan["step"], plan["output"], plan["changed"], plan["more"]) == ("charge", {"id": "ch_1"}, 0, False)
    assert (done["changed"], done["refused"]) == (1, 1)
    assert [(one["run_id"], one.get("error", {}).get("code")) for one in done["runs"]] == [
        (third, "RUN_CHANGED"),
        (second, None),
    ]
    assert worker.job()["run_id"] == second
    with pytest.raises(Conflict, match="not known yet"):
        client.failures.apply_patch(fingerprint, from_run=third, dry_run=True)
    with pytest.raises(InvalidArgument, match="reason"):
        client.failures.apply_patch(fingerprint, from_run=first)


def test_groups_are_decided_of_and_asked_for_with_sql(http: httpx.Client, worker: Puller, client: Client) -> None:
    fingerprint = client.runs.similar(fail(http, worker, "Declined: card 1"))["group"]["fingerprint"]

    muted = client.failures.mute(fingerprint, reason="the bank is at it", duration="2h")
    listed = [[one["status"] for one in client.failures.list(status=one).items] for one in ("open", "muted")]
    client.failures.resolve(fingerprint, reason="mended")
    rows = client.sql("select status, failures from failure_groups where fingerprint = :f", {"f": fingerprint}).rows
    marks = client.sql("select status, version, muted_until, reason from failure_marks").rows
    told = client.sql("select step, error_type from failures").rows
    reopened = client.failures.reopen(fingerprint, reason="not at all")
    assigned = client.failures.assign(fingerprint, to="ada@example.com", reason="she knows the bank")
    whose = [len(client.failures.list(assignee=who).items) for who in ("ada@example.com", "bob@example.com")]
    said = client.sql("select assignee, assigned_at is not null from failure_marks").rows

    assert (assigned["assigned"]["assignee"], assigned["decided"]) == ("ada@example.com", reopened["decided"])
    assert (whose, [[row[0], bool(row[1])] for row in said]) == ([1, 0], [["ada@example.com", True]])
    assert "assigned" not in client.failures.assign(fingerprint, to="")
    assert (muted["status"], muted["decided"]["reason"]) == ("muted", "the bank is at it")
    assert muted["decided"]["muted_until"] > muted["decided"]["at"]
    assert listed == [[], ["muted"]]
    assert (rows, marks, told) == ([["resolved", 1]], [["resolved", 1, None, "mended"]], [["charge", "Declined"]])
    assert (reopened["status"], "version" in reopened["decided"]) == ("open", False)
    for verb, body, field in (
        ("resolve", {"reason": " "}, "reason"),
        ("mute", {"reason": "r", "duration": "soon"}, "duration"),
        ("reopen", {}, "reason"),
        ("assign", {"assignee": "a" * 201}, "assignee"),
    ):
        refused = http.post(f"/api/v1/failures/{fingerprint}/{verb}", json=body)
        assert (refused.status_code, refused.json()["field"]) == (400, field), refused.text


def test_anything_is_found(http: httpx.Client, worker: Puller, client: Client) -> None:
    run_id = fail(http, worker, "Declined: the bank said no")
    client.runs.similar(run_id)  # it is known by now

    assert [(one["kind"], one["via"]) for one in client.search(run_id)] == [("run", "id")]
    assert ("failure", "text") in [(one["kind"], one["via"]) for one in client.search("the bank said")]
    near = client.search("Declined: this bank said no to 17")
    assert [(one["id"], one["via"]) for one in near] == [(run_id, "nearness")]
    assert client.search("no such thing at all") == []


def test_bad_questions_are_refused_with_the_field(client: Client, http: httpx.Client, worker: Puller) -> None:
    completed = complete(http, worker)

    for ask, code in (
        (lambda: client.failures.get("nope"), "FAILURE_GROUP_NOT_FOUND"),
        (lambda: client.runs.similar(completed), "RUN_NOT_FAILED"),
        (lambda: client.runs.similar("run_0123456789abcdefghjkmnpqrs"), "RUN_NOT_FOUND"),
    ):
        with pytest.raises(NotFound) as missing:
            ask()
        assert missing.value.code == code
    for ask in (
        lambda: client.search(" "),
        lambda: client.search("x" * 501),
        lambda: client.failures.list(limit=0),
        lambda: client.failures.list(cursor="x"),
        lambda: client.failures.list(since="yesterday"),
    ):
        with pytest.raises(InvalidArgument):
            ask()
    assert http.get("/api/v1/search").json()["field"] == "q"
