"""Writers append to streams while the server is killed at random instants: every acknowledged append is there once, in
its writer's order, and nothing is there that nobody sent.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from ironflow import Client, EntityEvent, Stream, errors
from tests.support.server import ServerProcess

WRITERS = 4
KILLS = 3
PAUSE_S = (0.2, 0.8)
RETRY_S = 0.02


class Writer:
    """Appends numbers to a stream of its own, under the version it knows, and to one that all share, under a key."""

    def __init__(self, url: str, number: int, stop: threading.Event) -> None:
        self.number = number
        self._stop = stop
        self._client = Client(url)
        self.own = Stream(self._client, "own", str(number))
        self.shared = Stream(self._client, "shared", "all")
        self.sent = 0

    def run(self) -> None:
        with self._client:
            while not self._stop.is_set():
                self._insist(self._append_own)
                self._insist(self._append_shared)
                self.sent += 1

    def _append_own(self) -> None:
        """Without a key: whoever got no answer looks at the version."""
        try:
            self.own.append(EntityEvent("number.sent", self.sent), expected_version=self.sent)
        except errors.Conflict:
            assert self.own.info()["version"] == self.sent + 1  # an earlier try had come through

    def _append_shared(self) -> None:
        event = EntityEvent("number.sent", [self.number, self.sent])
        self.shared.append(event, idempotency_key=f"{self.number}-{self.sent}")

    def _insist(self, append: Callable[[], None]) -> None:
        while True:
            try:
                return append()
            except (errors.ServerUnavailable, errors.Timeout):
                threading.Event().wait(RETRY_S)  # the server was killed and is being started


def test_every_acknowledged_append_is_there_once_and_in_order(
    start_server: Callable[..., ServerProcess], database_url: str | None, seed: int
) -> None:
    chance = random.Random(seed)
    server = start_server(database_url=database_url)
    stop = threading.Event()
    writers = [Writer(server.url, number, stop) for number in range(WRITERS)]
    with ThreadPoolExecutor(WRITERS) as pool:
        running = [pool.submit(writer.run) for writer in writers]
        try:
            for _ in range(KILLS):
                threading.Event().wait(chance.uniform(*PAUSE_S))  # the instant of the kill is what is random here
                server.kill9()
                server.restart()
        finally:
            stop.set()
        for one in running:
            one.result(timeout=120)

    with Client(server.url) as client:
        shared = [tuple(event.data) for event in Stream(client, "shared", "all").events()]
        for writer in writers:
            assert writer.sent > 0
            own = Stream(client, "own", str(writer.number)).events()
            assert [event.data for event in own] == list(range(writer.sent))
            assert [n for number, n in shared if number == writer.number] == list(range(writer.sent))
    assert len(shared) == sum(writer.sent for writer in writers)
    server.check_history()
