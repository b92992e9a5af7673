"""The PyPI library `eventsourcing`, run in its own environment by benchmarks.appends: aggregates saved by threads.

    python worker_eventsourcing.py sqlite:PATH|postgresql://… SECONDS WRITERS

In process, without a server in between; each save is one event under an expected version, as the library always does.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

DATA = {"id": 1, "customer": "c-42", "items": [{"sku": "a-1", "quantity": 2}], "note": "about a hundred bytes of data"}


class Order(Aggregate):  # type: ignore[misc]
    @event("Changed")
    def change(self, data: dict[str, Any]) -> None:
        self.data = data


def main(url: str, seconds: float, writers: int) -> None:
    app: Application = Application(env=environment(url, writers))
    taken: list[float] = []
    until = time.perf_counter() + seconds

    def write() -> None:
        order = Order()
        app.save(order)
        while time.perf_counter() < until:
            started = time.perf_counter()
            order.change(DATA)
            app.save(order)
            taken.append(time.perf_counter() - started)

    threads = [threading.Thread(target=write) for _ in range(writers)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - started
    taken.sort()
    print(len(taken) / elapsed, taken[len(taken) // 2] * 1_000, taken[int(len(taken) * 0.99)] * 1_000)
    app.close()


def environment(url: str, writers: int) -> dict[str, str]:
    if url.startswith("sqlite:"):
        return {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": url[7:], "SQLITE_LOCK_TIMEOUT": "60"}
    split = urlsplit(url)
    told = parse_qs(split.query)  # a socket's folder and port
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": split.path.lstrip("/"),
        "POSTGRES_HOST": split.hostname or told["host"][0],
        "POSTGRES_PORT": str(split.port or told["port"][0]),
        "POSTGRES_USER": split.username or "postgres",
        "POSTGRES_PASSWORD": split.password or "",
        "POSTGRES_POOL_SIZE": str(writers),
        "POSTGRES_MAX_OVERFLOW": str(writers),
    }


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
