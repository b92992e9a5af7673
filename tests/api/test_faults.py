"""What clients are told when something of ours breaks; and that the document says what the router does."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from falcon import inspect
from structlog.testing import capture_logs

from app import resources
from app.access.limits import RateLimits
from app.api import dashboard, docs
from app.api import http as face
from app.api.browsers import Browsers
from app.api.door import Door
from app.api.table import MODULES, Table
from app.bus.bus import Bus
from app.clock import ManualClock
from app.demo import Demo
from app.faces import services_of
from app.history.live import Live
from app.history.verify import verify
from app.ids import Ids
from app.metrics import Metrics
from app.node import Node
from app.settings import Settings
from storage import open_storage
from storage.contract import StorageError, StorageFull, StorageUnavailable
from tests.support.failing import Failing
from tests.support.taker import settled

START_US = 1_764_000_000_000_000
JSON = {"Content-Type": "application/json"}
_IN_PATH = re.compile(r"{(\w+):\w+}")


PAGES = (dashboard.Page.__name__, dashboard.Asset.__name__, docs.Pages.__name__)
"""What browsers are shown is not in the document."""


class Fixture:
    def __init__(self, storage: Any, falcon: Any, client: httpx.AsyncClient, problems: dict[str, str]) -> None:
        self.storage = storage
        self.falcon = falcon
        self.client = client
        self.problems = problems


@asynccontextmanager
async def _running(folder: Path) -> AsyncIterator[Fixture]:
    opened = await open_storage(str(folder / "ironflow.db"), resources.sql_folder())
    await opened.migrate()
    storage: Any = Failing(opened)
    clock = ManualClock(START_US)
    node = Node(storage=storage, clock=clock, ids=Ids(clock))
    problems: dict[str, str] = {}
    live = Live(tail=node.tail, storage=storage)
    bus = Bus(
        server=None,
        storage=storage,
        tail=node.tail,
        fold=node.fold,
        emitter=node.emitter,
        groups=node.groups,
        ids=node.ids,
        access=node.access,
        policies=node.policies,
        clock=clock,
    )
    services = services_of(
        node,
        bus=bus,
        live=live,
        metrics=Metrics(),
        problems=problems,
        grpc_address="127.0.0.1:1",
        door=Door(node.access, RateLimits(clock), required=False),
        settings=Settings(),
        demo=lambda: Demo(dev=False, url=str, named=str),
    )
    falcon = face.build(services, Browsers(), Table(services))
    transport = httpx.ASGITransport(falcon, raise_app_exceptions=True)
    async with (
        asyncio.TaskGroup() as tasks,
        httpx.AsyncClient(transport=transport, base_url="http://test", headers=JSON) as client,
    ):
        running = await node.start(tasks)
        await settled(node)
        yield Fixture(storage, falcon, client, problems)
        storage.error = None
        await node.committer.drain()
        for task in running:
            task.cancel()
    await opened.close()


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Fixture]:
    async with _running(tmp_path) as made:
        yield made


@pytest.mark.parametrize("error", [StorageUnavailable("gone"), StorageFull("full"), StorageError("broken")])
async def test_a_store_that_fails_is_told_with_its_code_and_hint(app: Fixture, error: StorageError) -> None:
    app.storage.error = error

    answers = [await app.client.post("/api/v1/events", json={"name": "a"}), await app.client.get("/api/v1/runs")]

    for answer in answers:
        assert answer.status_code == (507 if isinstance(error, StorageFull) else 503)
        assert answer.json()["code"] == error.code
        assert answer.json()["hint"] == error.hint
        assert answer.json()["retryable"] is True

    app.storage.error = None
    assert (await app.client.post("/api/v1/events", json={"name": "a"})).status_code == 201


async def test_a_full_disk_refuses_writes_and_is_read_and_goes_on_when_there_is_space(
    app: Fixture, tmp_path: Path
) -> None:
    """SQLite counts pages as a disk does bytes."""
    sent = (await app.client.post("/api/v1/events", json={"name": "a"})).json()["event_id"]
    opened = app.storage.opened

    def limit(pages: int) -> int:
        [(allowed,)] = opened._writer.execute(f"pragma max_page_count = {pages}")
        return int(allowed)

    allowed = await opened._writing.run(lambda: limit(1))  # no fewer than it has
    large = {"name": "a", "data": "x" * 100_000}
    refused = await app.client.post("/api/v1/events", json=large)
    batch = await app.client.post("/api/v1/events", json=[large, large])

    assert (refused.status_code, refused.json()["code"]) == (507, "STORAGE_FULL")
    assert "free space on the disk" in refused.json()["hint"]
    assert [result["code"] for result in batch.json()["results"]] == ["STORAGE_FULL"] * 2
    listed = await app.client.get("/api/v1/events")
    assert [event["id"] for event in listed.json()["events"]] == [sent]

    await opened._writing.run(lambda: limit(allowed + 1_000))

    assert (await app.client.post("/api/v1/events", json=large)).status_code == 201
    report = await verify(app.storage)
    assert (report.bad_position, report.entries) == (None, 2)


async def test_a_server_that_cannot_write_is_not_ready_until_it_can(app: Fixture) -> None:
    app.storage.write_error = StorageFull("database or disk is full")
    full = await app.client.get("/ready")
    read = await app.client.get("/api/v1/runs")
    app.storage.write_error = None
    again = await app.client.get("/ready")

    assert (full.status_code, full.json()["issues"]) == (503, {"storage": "database or disk is full"})
    assert read.status_code == 200
    assert again.status_code == 200


async def test_an_event_that_the_store_refuses_is_told_so_beside_those_that_it_took(app: Fixture) -> None:
    app.storage.poison = "poison"
    batch = [{"name": "a"}, {"name": "a", "data": "poison"}, {"name": "a..b"}, {"name": "a"}]

    answer = await app.client.post("/api/v1/events", json=batch)

    assert answer.status_code == 200
    assert [result.get("code") for result in answer.json()["results"]] == [
        None,
        "STORAGE_FAILED",
        "INVALID_ARGUMENT",
        None,
    ]
    assert answer.json()["results"][1]["retryable"] is True
    for result in answer.json()["results"][::3]:
        assert (await app.client.get(f"/api/v1/events/{result['event_id']}")).status_code == 200


async def test_an_unknown_error_is_logged_under_the_request_id_and_not_shown(app: Fixture) -> None:
    app.storage.error = ZeroDivisionError("a secret of ours")

    with capture_logs() as logs:
        answer = await app.client.get("/api/v1/runs")

    assert answer.status_code == 500
    assert answer.json()["code"] == "INTERNAL"
    assert "secret" not in answer.text
    [logged] = [entry for entry in logs if entry["event"] == "request failed"]
    assert logged["request_id"] == answer.headers["X-Request-ID"]
    assert logged["exc_info"] is app.storage.error


async def test_a_server_that_is_not_ready_says_why(app: Fixture) -> None:
    app.problems["server"] = "starting"
    starting = await app.client.get("/ready")
    app.problems.clear()
    app.storage.error = StorageUnavailable("gone")
    broken = await app.client.get("/ready")

    assert (starting.status_code, starting.json()) == (503, {"status": "not_ready", "issues": {"server": "starting"}})
    assert (broken.status_code, broken.json()["issues"]) == (503, {"storage": "gone"})
    assert (await app.client.get("/health")).status_code == 200


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(app: Fixture) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 2**20
            yield b" " * 2**20

    declared = await app.client.post("/api/v1/events", content=b"{}", headers={"Content-Length": str(10 * 2**20 + 1)})
    streamed = await app.client.post("/api/v1/events", content=endless())

    assert (declared.status_code, declared.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert (streamed.status_code, streamed.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert sent <= 12 * 2**20


def _routes_of(router: face.Router) -> Iterator[inspect.RouteInfo]:
    """Of all parts of the table, once requests have named them."""
    for part in {part for parts in MODULES.values() for part in parts}:
        router.find(part)
    for made in router._made.values():
        yield from inspect.inspect_compiled_router(made)


async def test_the_document_has_every_method_of_every_route_and_no_other(app: Fixture) -> None:
    document = (await app.client.get("/api/v1/openapi.json")).json()

    routed = {
        (_IN_PATH.sub(r"{\1}", route.path), method.method)
        for route in _routes_of(app.falcon._router)
        for method in route.methods
        if not method.internal and route.class_name not in PAGES
    }
    documented = {(path, method.upper()) for path, methods in document["paths"].items() for method in methods}
    assert documented == routed
    assert document["openapi"] == "3.1.0"
    assert document["info"]["version"] == resources.VERSION
