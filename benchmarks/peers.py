"""`make bench-peers`: Ironflow beside comparable products, in the same minutes.

    python -m benchmarks.peers [--seconds S] [--rounds N] [--calm S] [--systems ironflow-sqlite,dbos-sqlite,…]

Each gets the same work: runs of five steps that return about 100 bytes each, closed loop, 1 to 256 in flight. They take
turns, one up at a time, in another order each round; what is printed last is the median of the rounds and their range.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from benchmarks import machine, network, ours, peer_dbos, peer_restate, table
from benchmarks.subject import Sample, Subject, cpu_of_all
from tests.support.postgres import Cluster

CLIENTS = (1, 16, 64, 256)
WARM_UP_CLIENTS, WARM_UP_S = 16, 2.0

Start = Callable[[Path, Cluster], AbstractContextManager[Subject]]


@contextmanager
def _ironflow_sqlite(place: Path, _: Cluster) -> Iterator[Subject]:
    with ours.running(place) as server, ours.working(server) as subject:
        yield subject


@contextmanager
def _ironflow_postgres(place: Path, cluster: Cluster) -> Iterator[Subject]:
    with (
        _database(cluster) as url,
        ours.running(place, url) as server,
        ours.working(server, postgres=cpu_of_all(cluster.pid)) as subject,
    ):
        yield subject


@contextmanager
def _dbos_postgres(place: Path, cluster: Cluster) -> Iterator[Subject]:
    with _database(cluster) as url, peer_dbos.working(place, url, postgres=cpu_of_all(cluster.pid)) as subject:
        yield subject


SYSTEMS: dict[str, Start] = {
    "ironflow-sqlite": _ironflow_sqlite,
    "ironflow-postgres": _ironflow_postgres,
    "dbos-sqlite": lambda place, _: peer_dbos.working(place),
    "dbos-postgres": _dbos_postgres,
    "restate": lambda place, _: peer_restate.working(place),
}


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    if any(name.startswith("dbos") for name in options.systems):
        peer_dbos.install()
    if "restate" in options.systems:
        peer_restate.install()
        _leave_network()
    with tempfile.TemporaryDirectory(prefix="ironflow-peers-") as folder, Cluster(durable=True) as cluster:
        place, floor_url = Path(folder), cluster.create_database()
        print("\n".join([*machine.describe(), *_settings()]))
        samples: dict[str, list[Sample]] = {name: [] for name in options.systems}
        for number in range(options.rounds):
            print("\n".join(["", f"round {number + 1}", *machine.floor(place, floor_url)]), flush=True)
            for name in rotated(options.systems, number):
                with SYSTEMS[name](place / f"{name}-{number}", cluster) as subject:
                    for sample in _turn(subject, options.seconds, options.calm):
                        samples[name].append(sample)
                        print(table.line(name, sample), flush=True)
        print("\n".join(["", "afterwards", *machine.floor(place, floor_url), "", *table.lines(samples)]))


def _turn(subject: Subject, seconds: float, calm_s_max: float) -> Iterator[Sample]:
    subject.run(WARM_UP_CLIENTS, WARM_UP_S)
    for clients in CLIENTS:
        machine.await_calm(calm_s_max)
        yield subject.sample(clients, seconds)


def rotated(names: list[str], number: int) -> list[str]:
    """The same, begun so many places later."""
    start = number % len(names)
    return names[start:] + names[:start]


@contextmanager
def _database(cluster: Cluster) -> Iterator[str]:
    """Dropped afterwards, so that its checkpoint does not fall into somebody else's turn."""
    url = cluster.create_database()
    yield url
    cluster.drop_database(url)


def _leave_network() -> None:
    try:
        network.leave()
    except OSError as error:
        hint = "Restate needs one: be root, allow user namespaces, or leave it out with --systems"
        raise SystemExit(f"{error}. {hint}") from error


def _settings() -> list[str]:
    return [
        "settings  SQLite WAL synchronous=FULL; Postgres fsync and synchronous_commit on; Restate's log fsynced",
        f"          {peer_dbos.PACKAGE}; restate-server=={peer_restate.VERSION}, {', '.join(peer_restate.PACKAGES)}",
        "          one server, one Python worker; each step durable before the next",
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each case")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--calm", type=float, default=3.0, help="seconds to wait, at most, for neighbours to be quiet")
    parser.add_argument("--systems", type=_names, default=list(SYSTEMS), help=f"of {','.join(SYSTEMS)}")
    return parser.parse_args()


def _names(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in SYSTEMS:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(SYSTEMS)}")
    return names


if __name__ == "__main__":
    main()
