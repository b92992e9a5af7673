"""The server is killed again and again while events are emitted and followed: what was acknowledged is delivered to
every subscriber, in order, and repeats are of what was in flight only."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from ironflow import Client, EntityEvent, LiveEvent
from ironflow.errors import IronflowError
from tests.support.postgres import Cluster
from tests.support.server import ServerProcess

KILLS = 3
EVENTS_A_LIFE = 150
LAST = "order.last"
PATTERNS = ("order.>", "topic:orders", "entity:order.42.>")


class Emitter(threading.Thread):
    """Emits, publishes and appends in turn, each with a key, until told to stop; `acknowledged` are those answered."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.acknowledged: list[int] = []
        self.grown = threading.Condition()
        self.stopping = threading.Event()
        self._url = url

    def run(self) -> None:
        with Client(self._url) as client:
            number = 0
            while not self.stopping.is_set():
                try:
                    self._send(client, number)
                except IronflowError:
                    continue  # the server is away; the key makes it safe to send this one again
                with self.grown:
                    self.acknowledged.append(number)
                    self.grown.notify()
                number += 1

    def _send(self, client: Client, number: int) -> None:
        data, key = {"n": number}, f"k-{number}"
        if number % 3 == 0:
            client.emit("order.placed", data, idempotency_key=key)
        elif number % 3 == 1:
            client.topics.publish("orders", data, idempotency_key=key)
        else:
            client.streams.append("order", "42", EntityEvent("line.added", data), idempotency_key=key)

    def more(self, count: int) -> None:
        """Returns when so many more are acknowledged."""
        with self.grown:
            wanted = len(self.acknowledged) + count
            assert self.grown.wait_for(lambda: len(self.acknowledged) >= wanted, timeout=60)


class Subscriber(threading.Thread):
    """Follows until the last event; a slow one takes its time with each."""

    def __init__(self, url: str, *, slow: bool = False) -> None:
        super().__init__(daemon=True)
        self.events: list[LiveEvent] = []
        self._url = url
        self._pause = threading.Event() if slow else None

    def run(self) -> None:
        with Client(self._url) as client, client.subscribe(*PATTERNS, after=0) as subscription:
            for event in subscription:
                self.events.append(event)
                if event.name == LAST:
                    return
                if self._pause is not None:
                    self._pause.wait(0.002)


@pytest.mark.slow
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_no_acknowledged_event_is_missed_by_any_subscriber(
    start_server: Callable[..., ServerProcess], request: pytest.FixtureRequest, store: str
) -> None:
    cluster: Cluster | None = request.getfixturevalue("durable_postgres") if store == "postgres" else None
    server = start_server(database_url=cluster.create_database() if cluster else None)
    emitter = Emitter(server.url)
    subscribers = [Subscriber(server.url, slow=slow) for slow in (False, False, True)]
    for thread in (emitter, *subscribers):
        thread.start()

    for _ in range(KILLS):
        emitter.more(EVENTS_A_LIFE)
        server.kill9()
        server.restart()
    emitter.more(EVENTS_A_LIFE)
    emitter.stopping.set()
    emitter.join(60)
    with Client(server.url) as client:
        client.emit(LAST)

    for subscriber in subscribers:
        subscriber.join(60)
        assert not subscriber.is_alive()
        positions = [event.position for event in subscriber.events]
        assert positions == sorted(set(positions)), "in order, and nothing twice that was whole"
        numbers = [event.data["n"] for event in subscriber.events if event.name != LAST]
        assert numbers == emitter.acknowledged
