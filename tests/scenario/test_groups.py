"""A consumer group while the server is killed, NATS is killed, and its folder is wiped: every event comes, counted."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ironflow import Client
from ironflow.client import event
from tests.support.server import ServerProcess

EVENTS = 300


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_no_event_is_lost_for_a_group(
    request: pytest.FixtureRequest, store: str, start_server: Callable[..., ServerProcess]
) -> None:
    url = request.getfixturevalue("durable_postgres_url") if store == "postgres" else None
    server = start_server(database_url=url)
    # Acknowledged, whether or not that was confirmed: a server that is killed before it answers may have settled it.
    handled: set[int] = set()
    progress = threading.Condition()
    with Client(server.url) as client:
        client.groups.create("billing", "order.>", ack_wait=1, max_redeliveries=10_000)

        def consume() -> None:
            with client.consume("billing", window=20) as consumer:
                for message in consumer:
                    message.ack().result(60)
                    with progress:
                        handled.add(message.data["n"])
                        progress.notify_all()
                    if len(handled) == EVENTS:
                        return

        consuming = threading.Thread(target=consume, daemon=True)
        consuming.start()

        def emit(start: int, end: int) -> None:
            client.emit_batch([event("order.placed", {"n": n}) for n in range(start, end)])

        def come(count: int) -> None:
            with progress:
                assert progress.wait_for(lambda: len(handled) >= count, 90), f"{len(handled)} of {count}"

        emit(0, 100)
        come(40)
        server.kill9()
        server.restart()
        emit(100, 200)
        come(130)
        os.kill(_nats_pid(server), signal.SIGKILL)
        come(160)
        server.kill9()
        (server.data_dir / "nats" / "js").rename(server.data_dir / "wiped")  # at once: nats-server may still be ending
        server.restart()
        emit(200, EVENTS)
        come(EVENTS)
        consuming.join(30)

    assert not consuming.is_alive()
    assert handled == set(range(EVENTS))
    server.check_history()


def _nats_pid(server: ServerProcess) -> int:
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
            name = (path.parent / "comm").read_text().strip()
        except OSError:
            continue
        if int(fields[1]) == server.pid and name.startswith("nats"):
            return int(path.parent.name)
    raise AssertionError("the server has no nats-server")
