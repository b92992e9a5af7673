"""`python -m benchmarks.access` (`make bench-access`): what it takes to decide whether a caller may do something.

    python -m benchmarks.access [--policies 100] [--requests 5000]

In process and without a network: the question that every request is asked once. Each case has so many policies active;
`remembered` asks the same again, `anew` asks for another resource each time, so that nothing is remembered.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

from app.access.actor import Actor
from app.access.decisions import Decisions
from app.access.guard import Request
from app.access.policy import Policy
from app.clock import SystemClock
from app.history.kinds import PolicyDefinition
from benchmarks import machine

QUICK = 'environment == "prod" && !("oncall" in subject.roles) && resource.id.startsWith("stripe/%d")'
TIMED = "now.getHours() < 0 && size(subject.roles) > 9"
SLOW = "size(subject.roles) + 1 > 9 || resource.id.matches('^never$')"
ACTOR = Actor("ak_bench", "key", ("developer", "viewer"), frozenset(f"noun{n}:read" for n in range(40)))
CASES: dict[str, Callable[[int], PolicyDefinition]] = {
    "all apply, none denies, quick conditions": lambda n: _policy(n, ("secrets:*",), QUICK % n),
    "all apply, none has a condition that holds, roles differ": lambda n: _policy(n, ("*",), "", (f"role-{n}",)),
    "all apply, quick conditions that depend on the time": lambda n: _policy(n, ("secrets:*",), TIMED),
    "a tenth acts on it, conditions of the engine": lambda n: _policy(
        n, ("secrets:read",) if n % 10 == 0 else (f"noun{n}:*",), SLOW
    ),
    "all apply, all conditions of the engine": lambda n: _policy(n, ("secrets:*",), SLOW),
}


def _policy(number: int, actions: tuple[str, ...], condition: str, roles: tuple[str, ...] = ()) -> PolicyDefinition:
    return PolicyDefinition(name=f"p{number:03}", actions=actions, condition=condition, roles=roles)


def measure(policies: int, requests: int) -> None:
    for title, define in CASES.items():
        decisions = Decisions(SystemClock())
        made = [Policy.drafted(define(n), id=f"pol_{n}", version=1, environment="prod") for n in range(policies)]
        decisions.use(made)
        count = requests if "engine" not in title else max(100, requests // 50)
        same = [_request(0)] * count
        others = [_request(n) for n in range(count)]
        decisions.ruling(same[0])
        keeps = bool(decisions.remembered())
        print(f"  {policies} policies: {title}")
        print(f"    remembered   {_told(_times(decisions, same)) if keeps else 'never: it depends on the time'}")
        print(f"    anew         {_told(_times(decisions, others))}", flush=True)


def _request(number: int) -> Request:
    return Request(ACTOR, "secrets:read", f"secret/other/{number}", "prod", "GET", "127.0.0.1")


def _times(decisions: Decisions, requests: Sequence[Request]) -> list[float]:
    """Microseconds of each."""
    found: list[float] = []
    for request in requests:
        started = time.perf_counter_ns()
        decisions.ruling(request)
        found.append((time.perf_counter_ns() - started) / 1_000)
    return found


def _told(times: list[float]) -> str:
    return f"p50 {machine.percentile(times, 0.5):>9,.1f} µs   p99 {machine.percentile(times, 0.99):>9,.1f} µs"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.access")
    parser.add_argument("--policies", type=int, default=100)
    parser.add_argument("--requests", type=int, default=5_000)
    options = parser.parse_args()
    print("\n".join(machine.describe()))
    print("settings  in process, one thread, no network, no store; wanted: remembered < 50 µs, anew < 1,000 µs")
    measure(options.policies, options.requests)


if __name__ == "__main__":
    main()
