"""Order saga with compensation in reverse: the example, pulled and pushed, with and without kills.

The ledger that its steps write is the oracle: what ran, in which order, and how often.
"""

from __future__ import annotations

import itertools
import json
import random
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ironflow import Client
from tests.support.ports import free_port
from tests.support.readme import Terminals, listens, wait_until
from tests.support.server import ServerProcess

WORKER = ".venv/bin/python examples/order_saga/orders.py"
ENDPOINT = ".venv/bin/granian --interface asgi --port 8000 --working-dir examples/order_saga orders:app"
REGISTER = f"{WORKER} register http://127.0.0.1:8000/"

FORWARD = ["reserve stock", "charge", "ship"]
BACK = ["refund", "release"]
UNDOING = ["compensate:charge", "compensate:reserve stock"]

ORDERS = 12
KILLS = 3
PAUSE_S = (0.1, 0.5)


class Shop:
    """The example in one of its modes, and a server."""

    def __init__(self, server: ServerProcess, mode: str, folder: Path) -> None:
        self.server = server
        self.client = Client(server.url)
        self.ledger = folder / "ledger.ndjson"
        self.mode = mode
        self._port = free_port()
        self.terminals = Terminals(
            server,
            folder / "shop.log",
            replaced={"8000": str(self._port)},
            environment={"ORDERS_LEDGER": str(self.ledger)},
        )

    def open(self) -> None:
        """The functions are there when it returns."""
        if self.mode == "pull":
            self.terminals.start(WORKER)
            wait_until(lambda: bool(self.client.functions.list()), "the worker never registered")
            return
        self.terminals.start(ENDPOINT)
        wait_until(lambda: listens(self._port), "the endpoint never listened")
        assert self.terminals.run(REGISTER).startswith("registered")
        for breaker in self.client.breakers.list():
            self.client.breakers.reset(breaker["key"])

    def kill9(self) -> None:
        self.terminals.kill9()

    def place(self, number: int, city: str) -> str:
        placed = {"order": number, "item": "anvil", "price": 4200, "city": city}
        [run_id] = self.client.emit("order.placed", placed, idempotency_key=f"order-{number}").run_ids
        return run_id

    def deliver(self, number: int) -> None:
        self.client.emit("order.delivered", {"order": number, "signed_by": "Coyote"})

    def await_status(self, run_id: str, status: str) -> None:
        wait_until(lambda: self.client.runs.get(run_id)["status"] == status, f"{run_id} is not {status}")

    def ended(self, run_id: str) -> Any:
        return self.client.runs.wait(run_id, timeout_s=60)

    def recorded(self, run_id: str) -> list[tuple[str, str]]:
        return [(step["name"], step["status"]) for step in self.client.runs.steps(run_id)]

    def executions(self) -> dict[str, list[tuple[str, str]]]:
        """By run: each execution of a step with its idempotency key, in order."""
        found: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for line in self.ledger.read_text().splitlines():
            written = json.loads(line)
            found[written["run"]].append((written["step"], written["key"]))
        return found

    def story(self, run_id: str) -> list[str]:
        """The steps that were executed, in order; one that was tried again at once, once."""
        return [step for step, _ in itertools.groupby(step for step, _ in self.executions()[run_id])]

    def last_executions(self, run_id: str) -> list[str]:
        """The steps that were executed, in the order of their last executions."""
        last: dict[str, None] = {}
        for step, _ in self.executions()[run_id]:
            last.pop(step, None)
            last[step] = None
        return [*last]


@pytest.fixture(params=["pull", "push"])
def shop(
    request: pytest.FixtureRequest,
    start_server: Callable[..., ServerProcess],
    database_url: str | None,
    tmp_path: Path,
) -> Iterator[Shop]:
    shop = Shop(start_server(database_url=database_url), request.param, tmp_path)
    try:
        shop.open()
        yield shop
    finally:
        shop.kill9()


def test_an_order_is_shipped_or_undone_in_reverse(shop: Shop) -> None:
    good, unshippable, unwanted = shop.place(1, "Lima"), shop.place(2, "Atlantis"), shop.place(3, "Osaka")
    shop.await_status(good, "waiting")
    shop.deliver(1)
    shop.await_status(unwanted, "waiting")
    shop.client.request("POST", f"/api/v1/runs/{unwanted}/cancel", json={"compensate": True})

    delivered, failed, cancelled = shop.ended(good), shop.ended(unshippable), shop.ended(unwanted)

    assert (delivered["status"], delivered["output"]["signed_by"]) == ("completed", "Coyote")
    assert shop.story(good) == FORWARD
    assert (failed["status"], failed["error"]["message"]) == ("failed", "no carrier goes to Atlantis")
    assert shop.story(unshippable) == [*FORWARD, *BACK]
    assert shop.recorded(unshippable) == [
        ("reserve stock", "completed"),
        ("charge", "completed"),
        ("ship", "failed"),
        ("compensate:charge", "completed"),
        ("compensate:reserve stock", "completed"),
    ]
    assert cancelled["status"] == "cancelled"
    assert shop.story(unwanted) == [*FORWARD, "recall", *BACK]
    for executed in shop.executions().values():
        times = Counter(step for step, _ in executed)
        assert times.pop("charge") == 2  # its provider is busy the first time
        assert set(times.values()) == {1}
    shipped = [event["data"]["order"] for event in shop.client.events.list(name="order.shipped").items]
    assert sorted(shipped) == [1, 3]


@pytest.mark.slow
def test_kills_undo_no_order_twice_and_none_by_halves(shop: Shop, seed: int) -> None:
    chance = random.Random(seed)
    runs: dict[str, str] = {}
    for number in range(ORDERS):
        city = "Lima" if number % 2 else "Atlantis"
        runs[shop.place(number, city)] = city
        if number % (ORDERS // KILLS) == 2:
            threading.Event().wait(chance.uniform(*PAUSE_S))  # the instant of the kill is what is random here
            if chance.random() < 0.7:
                shop.kill9()
                shop.open()
            else:
                shop.server.kill9()
                shop.server.restart()
    for number in range(1, ORDERS, 2):
        shop.deliver(number)

    for run_id, city in runs.items():
        ended = shop.ended(run_id)
        assert ended["status"] == ("completed" if city == "Lima" else "failed"), ended
        assert shop.last_executions(run_id) == (FORWARD if city == "Lima" else [*FORWARD, *BACK])
        if shop.mode == "pull":  # an endpoint is not told that a step is recorded before it begins the next
            assert shop.story(run_id) == shop.last_executions(run_id)
        undone = [name for name, status in shop.recorded(run_id) if name.startswith("compensate:")]
        assert undone == ([] if city == "Lima" else UNDOING)
        executions = shop.executions()[run_id]
        for step in {step for step, _ in executions}:
            keys = [key for executed, key in executions if executed == step]
            assert len(set(keys)) == 1
            assert len(keys) <= 1 + KILLS + (step == "charge"), (run_id, step)
