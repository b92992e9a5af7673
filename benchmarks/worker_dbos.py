"""DBOS in the benchmarks: the Python of its environment runs `-m benchmarks.worker_dbos DATABASE_URL`.

DBOS runs in the process that calls it, so this is client and worker in one, a thread a client; that is quicker than its
asyncio face. It says `ready`, then answers each line `{"clients": …, "seconds": …}` with a line of what it measured.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from dbos import DBOS

from benchmarks.work import PAYLOAD, STEPS, TOTAL, number_of, output


def main(database_url: str) -> None:
    DBOS(config={"name": "bench", "system_database_url": database_url, "run_admin_server": False, "log_level": "ERROR"})

    @DBOS.step()
    def step(number: int) -> dict[str, object]:
        return output(number)

    @DBOS.workflow()
    def five(order: dict[str, Any]) -> int:
        return sum(number_of(step(number)) for number in range(STEPS))

    order = json.loads(PAYLOAD)
    DBOS.launch()
    print("ready", flush=True)
    for line in sys.stdin:
        case = json.loads(line)
        result = measured(lambda: five(order) == TOTAL, clients=case["clients"], seconds=case["seconds"])
        print(json.dumps(result), flush=True)
    DBOS.destroy()


def measured(run: Callable[[], bool], *, clients: int, seconds: float) -> dict[str, Any]:
    """Closed loop: the fields of a `load.Load`."""
    latencies: list[float] = []
    wrong: list[bool] = []
    started = time.perf_counter()

    def client() -> None:
        while (sent := time.perf_counter()) < started + seconds:
            right = run()
            latencies.append(time.perf_counter() - sent)
            if not right:
                wrong.append(True)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"seconds": time.perf_counter() - started, "latencies": latencies, "errors": len(wrong)}


if __name__ == "__main__":
    main(sys.argv[1])
