"""A system under load, and what one case of it showed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import uvloop

from benchmarks import load, machine
from benchmarks.work import STEPS

LOAD = "load"
READY_TIMEOUT_S = 30.0
READY_POLL_S = 0.05

Reading = Callable[[], float]


@dataclass(frozen=True)
class Sample:
    """Runs of five steps by so many clients: the load, and what each step of it cost."""

    clients: int
    load: load.Load
    cpu_ms: Mapping[str, float]
    """Processor milliseconds a step, by process. Neighbours disturb them less than rates."""
    foreign: float
    """Processors that anybody else used meanwhile, or that the host withheld."""

    @property
    def steps_s(self) -> float:
        return STEPS * self.load.rate

    @property
    def cpu_ms_total(self) -> float:
        """Of the system itself: without the load generator, where that is a process apart."""
        return sum(spent for process, spent in self.cpu_ms.items() if process != LOAD)


@dataclass(frozen=True)
class Subject:
    """A system that is up. `run` puts load on it: clients, seconds. `cpu_s` reads what each process has used so far."""

    run: Callable[[int, float], load.Load]
    cpu_s: Mapping[str, Reading]

    def sample(self, clients: int, seconds: float) -> Sample:
        before = {process: read() for process, read in self.cpu_s.items()}
        busy = machine.busy_s()
        result = self.run(clients, seconds)
        busy = machine.busy_s() - busy
        used = {process: read() - before[process] for process, read in self.cpu_s.items()}
        steps = STEPS * len(result.latencies)
        return Sample(
            clients=clients,
            load=result,
            cpu_ms={process: 1_000 * spent / steps for process, spent in used.items()},
            foreign=max(0.0, busy - sum(used.values())) / result.seconds,
        )


def over_http(url: str, path: str, body: bytes, *, expected: bytes, cpu_s: Mapping[str, Reading]) -> Subject:
    """A system whose runs are started by POST, and answered with `expected` when they are done; returns when one was.

    Raises TimeoutError if none is: then its worker is not connected, say.
    """

    def run(clients: int, seconds: float) -> load.Load:
        return uvloop.run(load.run(url, path, lambda: body, clients=clients, seconds=seconds, expected=expected))

    until = time.monotonic() + READY_TIMEOUT_S
    while uvloop.run(load.run(url, path, lambda: body, clients=1, requests=1, expected=expected)).errors:
        if time.monotonic() > until:
            raise TimeoutError(f"{url}{path}: not once the right answer in {READY_TIMEOUT_S:.0f} s")
        time.sleep(READY_POLL_S)
    return Subject(run, {**cpu_s, LOAD: time.process_time})


def cpu_of(pid: int) -> Reading:
    return partial(machine.cpu_s, pid)


def cpu_of_all(pid: int) -> Reading:
    return partial(machine.tree_cpu_s, pid)
