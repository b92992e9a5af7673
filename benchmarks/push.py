"""`python -m benchmarks.push`: runs through a push endpoint over loopback, against real processes.

    python -m benchmarks.push [--seconds S] [--stores sqlite,postgres]

A round trip is a whole run of one step: event in, request to the endpoint, its answer recorded, result out.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvloop

from benchmarks import load, machine
from benchmarks.endpoint import STEPS
from tests.support.postgres import Cluster
from tests.support.server import ServerProcess

RPC = "/ironflow.v1.IronflowService"
FUNCTIONS = {"one": 1, "lines": STEPS}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.push")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each case")
    parser.add_argument("--stores", default="sqlite,postgres")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ironflow-bench-") as folder, Cluster(durable=True) as cluster:
        print("\n".join(machine.describe()))
        for store in options.stores.split(","):
            url = cluster.create_database() if store == "postgres" else None
            server = ServerProcess(data_dir=Path(folder) / store, database_url=url)
            server.start()
            try:
                with _endpoint() as port:
                    _register(server.url, f"http://127.0.0.1:{port}/")
                    print(f"\n{store}")
                    uvloop.run(_cases(server, options.seconds))
            finally:
                server.terminate()


async def _cases(server: ServerProcess, seconds: float) -> None:
    for name, steps in FUNCTIONS.items():
        body = b'{"event":"%s","data":{"id":1},"timeoutMs":30000}' % name.encode()
        await load.run(server.url, f"{RPC}/TriggerSync", lambda body=body: body, clients=4, seconds=1)  # type: ignore[misc]
        for clients in (1, 16, 64):
            before = machine.cpu_s(server.pid)
            result = await load.run(
                server.url,
                f"{RPC}/TriggerSync",
                lambda body=body: body,  # type: ignore[misc]
                clients=clients,
                seconds=seconds,
            )
            cost_ms = 1_000 * (machine.cpu_s(server.pid) - before) / max(1, len(result.latencies))
            title = f"runs of {steps} {'step' if steps == 1 else 'steps in lines'}, {clients} in flight"
            errors = f"  {result.errors} ERRORS" if result.errors else ""
            print(
                f"  {title:<40} {result.rate:>8,.0f} runs/s  p50 {result.ms(0.5):.1f} ms  p99 {result.ms(0.99):.1f} ms"
                f"  server CPU-ms a run {cost_ms:.2f}{errors}",
                flush=True,
            )


def _register(url: str, endpoint_url: str) -> None:
    for name in FUNCTIONS:
        function = {"id": name, "preferredMode": "EXECUTION_MODE_PUSH", "endpointUrl": endpoint_url}
        httpx.post(f"{url}{RPC}/RegisterFunction", json=function).raise_for_status()


@contextmanager
def _endpoint() -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.endpoint"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(30)


if __name__ == "__main__":
    main()
