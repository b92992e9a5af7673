"""One crash at a time, at the instant that matters: in the middle of a step, and between a commit and its answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ironflow import Client, EntityEvent, Stream, errors
from ironflow.body import key_of
from tests.support.server import ServerProcess
from tests.support.storm import ledger
from tests.support.storm.faults import MORTAL
from tests.support.storm.worker import WorkerProcess, wait_until_registered

DATA = {"n": "1", "work_s": 0, "pause_s": 0.05, "waits": False}
DIE_TIMEOUT_S = 30.0


@pytest.fixture
def mortal_file(tmp_path: Path) -> Path:
    return tmp_path / "die-after-commit"


@pytest.fixture
def server(start_server: Callable[..., ServerProcess], database_url: str | None, mortal_file: Path) -> ServerProcess:
    return start_server(database_url=database_url, module=MORTAL, environment={"MORTAL_FILE": str(mortal_file)})


@pytest.fixture
def worker(server: ServerProcess, tmp_path: Path) -> Iterator[WorkerProcess]:
    made = WorkerProcess(server, tmp_path)
    made.start()
    wait_until_registered(server)
    yield made
    made.kill9()


def test_a_step_whose_worker_is_killed_in_its_middle_is_done_again_under_the_same_key(
    server: ServerProcess, worker: WorkerProcess
) -> None:
    with Client(server.url) as client:
        [run_id] = client.emit("storm.stuck", DATA).run_ids
        key = key_of(f"{run_id}:hang:0")
        wait_for_execution(worker, key)

        worker.kill9()
        worker.start()
        run = client.runs.wait(run_id, timeout_s=60)
        steps = client.runs.steps(run_id)

    assert (run["status"], run["output"], run["attempt"]) == ("completed", key, 1)
    assert [(step["name"], step["status"]) for step in steps] == [("hang", "completed")]
    assert len(ledger.read(worker.ledger)[key]) == 2
    server.check_history()


@pytest.mark.parametrize("instant", ["within:history.redacted", "history.redacted"])
def test_a_purge_that_is_interrupted_is_done_or_not_and_can_be_repeated(
    server: ServerProcess, mortal_file: Path, instant: str
) -> None:
    with Client(server.url) as client:
        stream = Stream(client, "customer", "1")
        stream.append(*[EntityEvent("moved", {"to": "Elm Street"}) for _ in range(50)])
        mortal_file.write_text(instant)
        with pytest.raises(errors.ServerUnavailable):
            stream.delete(purge=True)
        assert server.died(DIE_TIMEOUT_S)
        mortal_file.unlink()
        server.restart()

        done = instant == "history.redacted"
        assert {"$redacted" in event.data for event in stream.events()} == {done}
        assert stream.info()["deleted"] is done
        assert stream.delete(purge=True) == 51
        assert all("$redacted" in event.data for event in stream.events())
        assert len(client.history.list(kind="history.redacted").items) == 1
    server.check_history()


def test_an_emit_that_was_recorded_and_not_answered_is_recognised_by_its_key(
    server: ServerProcess, worker: WorkerProcess, mortal_file: Path
) -> None:
    with Client(server.url) as client:
        mortal_file.write_text("event.emitted")
        with pytest.raises(errors.ServerUnavailable):
            client.emit("storm.order", DATA, idempotency_key="order-1")
        assert server.died(DIE_TIMEOUT_S)
        mortal_file.unlink()
        server.restart()

        again = client.emit("storm.order", DATA, idempotency_key="order-1")
        run = client.runs.wait(again.run_ids[0], timeout_s=60)

        assert again.duplicate
        assert run["output"] == ["charged 1", "shipped 1"]
        assert [event["id"] for event in client.events.list(name="storm.order").items] == [again.event_id]
        assert len(client.runs.list().items) == 1
    server.check_history()


def test_a_step_that_was_recorded_and_not_acknowledged_is_not_done_again(
    server: ServerProcess, worker: WorkerProcess, mortal_file: Path
) -> None:
    with Client(server.url) as client:
        mortal_file.write_text("step.completed")
        [run_id] = client.emit("storm.order", DATA).run_ids
        assert server.died(DIE_TIMEOUT_S)
        mortal_file.unlink()
        server.restart()

        run = client.runs.wait(run_id, timeout_s=60)
        charged = client.events.list(name="storm.charged").items

    assert run["output"] == ["charged 1", "shipped 1"]
    assert {key: len(lines) for key, lines in ledger.read(worker.ledger).items()} == {
        key_of(f"{run_id}:charge:0"): 1,
        key_of(f"{run_id}:ship:0"): 1,
    }
    assert len(charged) == 1
    server.check_history()


def test_what_a_step_writes_is_there_once_with_its_result_that_was_not_acknowledged(
    server: ServerProcess, worker: WorkerProcess, mortal_file: Path
) -> None:
    with Client(server.url) as client:
        client.kv.create_bucket("till")
        mortal_file.write_text("kv.put")
        [run_id] = client.emit("storm.till", DATA).run_ids
        assert server.died(DIE_TIMEOUT_S)
        mortal_file.unlink()
        server.restart()

        run = client.runs.wait(run_id, timeout_s=60)
        count = client.kv.get("till", "count")

    assert run["output"] == "counted 1"
    assert (count.value, count.revision) == (1, 1)
    assert {key: len(lines) for key, lines in ledger.read(worker.ledger).items()} == {key_of(f"{run_id}:count:0"): 1}
    server.check_history()


def test_a_step_that_never_ended_has_written_nothing(server: ServerProcess, worker: WorkerProcess) -> None:
    with Client(server.url) as client:
        client.kv.create_bucket("till")
        [run_id] = client.emit("storm.till", {**DATA, "waits": True}).run_ids
        wait_for_execution(worker, key_of(f"{run_id}:count:0"))
        with pytest.raises(errors.NotFound):
            client.kv.get("till", "count")

        worker.kill9()
        worker.start()
        run = client.runs.wait(run_id, timeout_s=60)
        count = client.kv.get("till", "count")

    assert (run["status"], count.value, count.revision) == ("completed", 1, 1)
    server.check_history()


def wait_for_execution(worker: WorkerProcess, key: str) -> None:
    """The step began: the ledger does not tell, so look until it is there."""
    for _ in range(600):
        if worker.ledger.exists() and key in ledger.read(worker.ledger):
            return
        threading.Event().wait(0.05)
    pytest.fail("the step never began")
