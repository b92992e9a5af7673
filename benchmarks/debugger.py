"""A long run in the debugger: how long an editor waits for each move, and for what it then shows.

    python -m benchmarks.debugger [--records N] [--moves N] [--sources bundle,sqlite,postgres]

One run of so many records, in a bundle or on a server over loopback, and the debug adapter in this process. A move is
timed from the request to the end of what follows it: `stopped`, and the stack, the scopes, and the variables of Step
and State that an editor asks for then. It begins at a random record. "processor" is the time that this process and the
server spent on it, in the mean, which counts where the machine is shared. The goal is less than 200 ms for each.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app import resources
from app.debugger.dap.adapter import Adapter
from app.debugger.dap.attaching import Place
from app.debugger.sources import BundleSource, ServerChanges, ServerSource
from app.history.kinds import Failure, RunFailed
from app.runs import machine as run_machine
from benchmarks import machine
from ironflow import Client
from ironflow.bundle import Bundle
from storage import open_storage
from tests.support.histories import ENVIRONMENT, Life, Scribe
from tests.support.postgres import Cluster
from tests.support.server import COMMAND, ServerProcess

RUN = "run_00000000000000000000000001"
OUTPUT = {"charge": "ch_0123456789", "amount": 4_200, "currency": "EUR", "note": "about a hundred bytes of output"}
NAMES = 50
GOAL_MS = 200.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.debugger")
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--moves", type=int, default=100, help="of each kind")
    parser.add_argument("--sources", default="bundle,sqlite,postgres")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ironflow-debugger-") as folder, Cluster(durable=True) as cluster:
        print("\n".join(machine.describe()), flush=True)
        served = Path(folder) / "bundle.zip"
        for source in options.sources.split(","):
            data_dir = Path(folder) / source
            data_dir.mkdir()
            url = cluster.create_database() if source == "postgres" else None
            with _served(data_dir, url, options.records) as (client, pid):
                if source == "bundle":
                    served.write_bytes(client.runs.export(RUN))
                    bundle = Bundle.open(str(served))
                    _measure(source, Place(BundleSource(bundle), None, RUN), options.moves, 0)
                else:
                    _measure(source, Place(ServerSource(client), ServerChanges(client), RUN), options.moves, pid)


@contextmanager
def _served(data_dir: Path, url: str | None, records: int) -> Iterator[tuple[Client, int]]:
    """A server that has the run, and its process."""
    asyncio.run(_write(url or str(data_dir / "ironflow.db"), records))
    where = ["--data-dir", str(data_dir), *(["--database-url", url] if url else [])]
    subprocess.run([sys.executable, "-m", "app", "rebuild", *where], check=True, stdout=subprocess.DEVNULL)
    server = ServerProcess(data_dir=data_dir, database_url=url, command=COMMAND)
    server.start()
    try:
        with Client(server.url, environment=ENVIRONMENT, timeout_s=600) as client:
            yield client, server.pid
    finally:
        server.close()


async def _write(location: str, records: int) -> None:
    storage = await open_storage(location, resources.sql_folder())
    try:
        await storage.migrate()
        await storage.write(_lived(records).save)
    finally:
        await storage.close()


def _lived(records: int) -> Scribe:
    """Steps of NAMES names, one of which failed halfway and was tried again, and the end of the run."""
    scribe = Scribe()
    life = Life(scribe, RUN)
    life.write(*run_machine.decide_start(life.state, worker_id="w1", now=scribe.now))
    for number in range(records - 4):
        scribe.now += 1_000
        name = f"step-{number % NAMES}:{number // NAMES}"
        if number == records // 2:
            life.step(name, error=Failure("declined", code="E"))
        life.step(name, {**OUTPUT, "number": number})
    life.write(RunFailed(execution_seq=life.state.execution_seq, error=Failure("declined", code="E", retryable=False)))
    return scribe


class Editor:
    """Asks for what an editor asks for, and throws it away."""

    def __init__(self, place: Place) -> None:
        self._heard: list[dict[str, Any]] = []
        self._adapter = Adapter(self._heard.append, lambda arguments: place)

    def ask(self, command: str, **arguments: Any) -> Any:
        self._heard.clear()
        self._adapter.handle({"seq": 1, "type": "request", "command": command, "arguments": arguments})
        answer = next((one for one in self._heard if one["type"] == "response"), {"success": True})
        assert answer["success"], answer
        return answer.get("body")

    def attach(self) -> None:
        self.ask("initialize", adapterID="ironflow")
        self.ask("attach")
        self.ask("configurationDone")

    def look(self) -> None:
        [frame, *_] = self.ask("stackTrace", threadId=1, levels=20)["stackFrames"]
        for scope in self.ask("scopes", frameId=frame["id"])["scopes"]:
            if scope["name"] in ("Step", "State"):
                self.ask("variables", variablesReference=scope["variablesReference"], count=100)


def _busy_ms(pid: int) -> float:
    """Processor time of this process, and of the server if there is one."""
    spent = time.process_time() * 1_000
    if pid:
        words = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        spent += (int(words[11]) + int(words[12])) * 1_000 / os.sysconf("SC_CLK_TCK")
    return spent


def _measure(title: str, place: Place, moves: int, pid: int) -> None:
    editor = Editor(place)
    began = time.perf_counter()
    editor.attach()
    attached = time.perf_counter() - began
    last = len(list(place.source.records(RUN))) - 1
    print(
        f"\n{title}: a run of {last + 1:,} records, attached after {attached:.2f} s; {moves} of each move", flush=True
    )
    chosen = random.Random(7)

    def asked(command: str, **arguments: Any) -> Callable[[], None]:
        def move() -> None:
            editor.ask(command, threadId=1, **arguments)
            editor.look()

        return move

    near, far = [{"name": "step-7"}], [{"name": "no-such-step"}]
    cases: list[tuple[str, list[dict[str, str]], int | None, Callable[[], None]]] = [
        ("next", near, None, asked("next")),
        ("stepBack", near, None, asked("stepBack")),
        ("next by record", near, None, asked("next", granularity="instruction")),
        ("continue, to a breakpoint near", near, None, asked("continue")),
        ("reverseContinue, to a breakpoint near", near, None, asked("reverseContinue")),
        ("continue, over the whole run", far, 0, asked("continue")),
        ("reverseContinue, over the whole run", far, last, asked("reverseContinue")),
    ]
    for name, breakpoints, place_, move in cases:
        editor.ask("setFunctionBreakpoints", breakpoints=breakpoints)
        latencies, busy = [], 0.0
        for _ in range(moves):
            editor.ask("goto", threadId=1, targetId=chosen.randrange(last) if place_ is None else place_)
            began_busy, began = _busy_ms(pid), time.perf_counter()
            move()
            latencies.append((time.perf_counter() - began) * 1_000)
            busy += _busy_ms(pid) - began_busy
        p50, p99 = (machine.percentile(latencies, share) for share in (0.5, 0.99))
        over = "" if p99 < GOAL_MS else f"   over {GOAL_MS:g} ms"
        print(
            f"  {name:<40} p50 {p50:6.1f} ms  p99 {p99:6.1f} ms  most {max(latencies):6.1f} ms"
            f"   processor {busy / moves:6.1f} ms{over}",
            flush=True,
        )
    print(f"  load average at the end {os.getloadavg()[0]:.2f}", flush=True)


if __name__ == "__main__":
    main()
