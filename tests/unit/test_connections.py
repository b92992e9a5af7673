"""Which connections are let go: nothing was asked on them for too long."""

from __future__ import annotations

import asyncio
import resource
import socket
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from app.api import accepted as found_there
from app.api import connections
from app.api.accepted import OPEN_FILES
from app.api.connections import Connections
from tests.support.bounds import within

A, B = "127.0.0.1:1", "[::1]:2"


def test_who_has_asked_nothing_is_let_go_after_a_while_and_who_is_answered_is_not() -> None:
    found = Connections(silent_s=60, idle_s=600)
    found.begun(B)

    assert found.overdue(frozenset((A, B)), now=0) == frozenset()
    assert found.overdue(frozenset((A, B)), now=59) == frozenset()
    assert found.overdue(frozenset((A, B)), now=60) == {A}
    assert found.overdue(frozenset((B,)), now=10_000) == frozenset(), "its answer goes on"


def test_who_has_asked_something_may_keep_the_connection_for_longer() -> None:
    found = Connections(silent_s=60, idle_s=600)
    found.overdue(frozenset((A,)), now=0)
    found.begun(A)
    found.begun(A)
    found.ended(A)
    assert found.overdue(frozenset((A,)), now=700) == frozenset(), "one of two is answered"
    found.ended(A)

    assert found.overdue(frozenset((A,)), now=800) == frozenset(), "answered since the last look"
    assert found.overdue(frozenset((A,)), now=1_399) == frozenset()
    assert found.overdue(frozenset((A,)), now=1_400) == {A}


def test_a_request_between_two_looks_counts() -> None:
    found = Connections(silent_s=60, idle_s=600)
    found.overdue(frozenset((A,)), now=0)
    found.begun(A)
    found.ended(A)

    assert found.overdue(frozenset((A,)), now=100) == frozenset()
    assert found.overdue(frozenset((A,)), now=699) == frozenset()


def test_nothing_is_remembered_of_who_is_gone() -> None:
    found = Connections(silent_s=60)
    for number in range(1_000):
        found.begun(f"10.0.0.1:{number}")
        found.ended(f"10.0.0.1:{number}")
        found.overdue(frozenset((f"10.0.0.2:{number}",)), now=number)

    assert (len(found), len(found._idle), len(found._lately)) == (0, 1, 0)
    assert found.overdue(frozenset(), now=10_000) == frozenset(), "another may have its number now"


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="this system does not list a process' files")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_connections_are_found_among_the_open_files(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listening:
        try:
            listening.bind((host, 0))
        except OSError:
            pytest.skip(f"there is no {host} here")
        listening.listen()
        place = listening.getsockname()[:2]
        with socket.create_connection(place) as silent, socket.create_connection(place) as asking:
            accepted = [listening.accept()[0] for _ in range(2)]
            found = Connections(silent_s=0.01)
            found.begun(f"[{host}]:{asking.getsockname()[1]}" if ":" in host else f"{host}:{asking.getsockname()[1]}")
            silent.setblocking(False)

            looking = asyncio.create_task(found.run(place[1]))
            try:
                async with within("the end of the silent one"):
                    assert await asyncio.get_running_loop().sock_recv(silent, 1) == b""
            finally:
                looking.cancel()

            asking.sendall(b"x")
            assert {one.recv(1) for one in accepted} == {b"", b"x"}
            for one in accepted:
                one.close()


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="this system does not list a process' files")
def test_looking_lets_go_of_no_lock_of_the_database(tmp_path: Path) -> None:
    """Whoever closes any copy of a file loses the locks that the process has on it."""
    file = tmp_path / "some.db"
    ask = "import apsw, sys; apsw.Connection(sys.argv[1]).execute('begin immediate')"
    database = apsw.Connection(str(file))
    database.execute("pragma journal_mode = wal")
    database.execute("create table t (a)")
    database.execute("begin immediate")

    list(found_there.accepted(1))

    told = subprocess.run([sys.executable, "-c", ask, str(file)], capture_output=True, text=True, timeout=60)
    assert "BusyError" in told.stderr
    database.execute("rollback")


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="this system does not list a process' files")
def test_connections_are_found_when_there_is_no_file_left(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoneLeft:
        def iterdir(self) -> list[Path]:
            raise OSError("Too many open files")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client, listening.accept()[0] as accepted:
            monkeypatch.setattr(found_there, "OPEN_FILES", NoneLeft())
            monkeypatch.setattr(resource, "getrlimit", lambda of: (accepted.fileno() + 1, 10**6))
            assert connections._clients(port) == {f"127.0.0.1:{client.getsockname()[1]}"}
