"""Kills of server and worker at random instants while projections fold: in the end each state is what an offline fold
of the same events makes, in the order of history."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from app.history.kinds import Rule
from app.projections.rules import Rules
from ironflow import Client, IronflowError, Projection
from ironflow.testing import fold
from tests.support import reaper
from tests.support.server import ServerProcess

EXAMPLE = Path(__file__).parents[2] / "examples" / "github_board"
ACTIVITY = json.loads((EXAMPLE / "activity.json").read_text())
REPOSITORY = "octo/hello"
COUNTS = "create table proj_counts (name text primary key, n integer not null)"
COUNT = "insert into proj_counts values (:name, 1) on conflict (name) do update set n = proj_counts.n + 1"
KILLS = 3
CHUNK = 20
PAUSE_S = (0.05, 0.5)
WAIT_S = 90.0


def board() -> Projection:
    spec = spec_from_file_location("board", EXAMPLE / "board.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    declared: Projection = module.board
    return declared


class Board:
    """The example's worker, against one server."""

    def __init__(self, server: ServerProcess, folder: Path) -> None:
        self._environment = {
            **os.environ,
            "IRONFLOW_SERVER_URL": server.url,
            "IRONFLOW_GRPC_ADDRESS": server.grpc_address,
        }
        self._log = folder / "worker.log"
        self._worker: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, EXAMPLE / "board.py"]
        with self._log.open("ab") as log:
            self._worker = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        reaper.adopt(self._worker.pid)

    def kill9(self) -> None:
        assert self._worker is not None
        self._worker.kill()
        self._worker.wait()
        reaper.release(self._worker.pid)


@contextmanager
def working(server: ServerProcess, folder: Path) -> Iterator[Board]:
    made = Board(server, folder)
    made.start()
    try:
        yield made
    finally:
        made.kill9()


class Sender(threading.Thread):
    """Emits events while others do what they like to the server; each is recorded once."""

    def __init__(self, url: str, events: list[dict[str, Any]]) -> None:
        super().__init__()
        self._url = url
        self._chunks = [events[begin : begin + CHUNK] for begin in range(0, len(events), CHUNK)]
        self.last_event_id = ""

    def run(self) -> None:
        pause = threading.Event()
        with Client(self._url) as client:
            for chunk in self._chunks:
                while not self._sent(client, chunk):
                    pause.wait(0.1)

    def _sent(self, client: Client, chunk: list[dict[str, Any]]) -> bool:
        try:
            answers = client.emit_batch(chunk)
        except IronflowError:
            return False
        for one in answers:
            if isinstance(one, IronflowError):
                return False
            self.last_event_id = one.event_id
        return True


def events_of(file: Path) -> list[dict[str, Any]]:
    """The file's events three times over, all in some repository, each with a key of its own."""
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    told = []
    for number, one in enumerate(lines * 3):
        data = {"repository": {"full_name": REPOSITORY}, **one["data"]}
        told.append({"name": one["name"], "data": data, "idempotencyKey": f"key-{number}"})
    return told


def recorded(client: Client) -> list[dict[str, Any]]:
    """Every event, in the order of history."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = client.events.list(limit=200, cursor=cursor)
        found += page.items
        if not page.next_cursor:
            return found[::-1]
        cursor = page.next_cursor


def offline(events: list[dict[str, Any]]) -> dict[str, Any]:
    """What the declared projection's rules make of the events, by partition."""
    rules = Rules([Rule(one["on"], one.get("when", ""), one["set"]) for one in ACTIVITY["rules"]])
    states: dict[str, Any] = {}
    for event in events:
        repository = event["data"].get("repository") or {}
        partition = repository.get("full_name") or "__global__"
        try:
            states[partition] = rules.apply(states.get(partition, ACTIVITY["initial"]), event)
        except Exception:  # noqa: BLE001 - skipped, as the projection does
            states.setdefault(partition, ACTIVITY["initial"])
    return states


@pytest.mark.slow
def test_kills_and_a_rebuild_under_load_leave_the_states_that_a_fold_makes(
    start_server: Callable[..., ServerProcess], database_url: str | None, events_file: Path, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    server = start_server(database_url=database_url)
    events = events_of(events_file)
    with Client(server.url) as client:
        client.projections.declare("github-activity", **ACTIVITY, on_error="skip")
        client.projections.declare_table("github-counts", table_sql=COUNTS, event_handlers={">": COUNT}, events=[">"])
        with working(server, tmp_path) as worker:
            sender = Sender(server.url, events)
            sender.start()
            for kill in range(KILLS):
                threading.Event().wait(chance.uniform(*PAUSE_S))  # the instant of the kill is what is random here
                if kill == 1:
                    client.projections.rebuild("github-activity", reason="while events come and processes die")
                if chance.random() < 0.5:
                    worker.kill9()
                    worker.start()
                else:
                    server.kill9()
                    server.restart()
            sender.join(WAIT_S)
            assert not sender.is_alive()
            wait_until_registered(client)  # the last worker may have begun a moment ago
            for name in ("github-board", "github-activity", "github-counts"):
                client.projections.wait_for_event(name, sender.last_event_id, timeout_s=WAIT_S)
            wait_until_rebuilt(client, "github-activity")

        told = recorded(client)
        assert len(told) == len(events)
        for name, expected in (("github-board", fold(board(), told)), ("github-activity", offline(told))):
            folded = {one: client.projections.state(name, partition=one) for one in client.projections.partitions(name)}
            assert {one: state for one, state in folded.items() if state is not None} == expected, name
        counted = client.projections.rows("github-counts", limit=1_000)["rows"]
        assert dict(counted) == Counter(one["name"] for one in told)
    server.check_history()


def test_the_board_is_what_a_plain_fold_makes_of_the_webhooks(
    start_server: Callable[..., ServerProcess], database_url: str | None, events_file: Path, tmp_path: Path
) -> None:
    server = start_server(database_url=database_url)
    events = events_of(events_file)
    with Client(server.url) as client, working(server, tmp_path):
        sender = Sender(server.url, events)
        sender.run()
        wait_until_registered(client)
        client.projections.wait_for_event("github-board", sender.last_event_id, timeout_s=WAIT_S)

        expected: dict[str, dict[str, dict[str, str]]] = {}
        for event in events:
            data = event["data"]
            kind = {"github.issues": "issues", "github.pull_request": "pulls"}.get(event["name"].rpartition(".")[0])
            if kind is None:
                continue
            state = expected.setdefault(data["repository"]["full_name"], {"issues": {}, "pulls": {}})
            thing = data["issue"] if kind == "issues" else data["pull_request"]
            open_ = data["action"] not in ("closed", "deleted", "transferred") and thing.get("state", "open") == "open"
            state[kind].pop(str(thing["number"]), None)
            if open_:
                state[kind][str(thing["number"])] = thing["title"]
        assert {one: client.projections.state("github-board", partition=one) for one in expected} == expected
        assert any(state["issues"] or state["pulls"] for state in expected.values())


def wait_until_rebuilt(client: Client, name: str) -> None:
    """What was built beside the state that served has taken its place."""
    for _ in range(600):
        if client.projections.rebuild_job(name)["status"] == "completed":
            return
        threading.Event().wait(0.05)
    pytest.fail(f"{name} was never rebuilt")


def wait_until_registered(client: Client, name: str = "github-board") -> None:
    """The worker has registered its projection: nothing tells of it but asking."""
    for _ in range(600):
        if any(known["name"] == name for known in client.projections.list()):
            return
        threading.Event().wait(0.05)
    pytest.fail("the worker never registered")
