"""The benchmarks measure what they say, and leave nothing behind."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import environment, load, machine, peer_redis, peers, table
from benchmarks.process import ROOT, child
from benchmarks.subject import Sample


def sample(*, clients: int = 1, runs: int = 10, cpu_ms: float = 1.0, errors: int = 0) -> Sample:
    measured = load.Load(seconds=1.0, latencies=[0.010] * runs, errors=errors)
    return Sample(clients=clients, load=measured, cpu_ms={"server": cpu_ms, "load": 0.5}, foreign=0.25)


def test_the_table_shows_the_median_of_the_rounds_and_their_range() -> None:
    rounds = [sample(runs=10, cpu_ms=3.0), sample(runs=40, cpu_ms=1.0), sample(runs=20, cpu_ms=2.0)]

    header, _, row = ([cell.strip() for cell in line.split("|")[1:-1]] for line in table.lines({"ours": rounds}))

    shown = dict(zip(header, row, strict=True))
    assert shown["steps/s"] == "100 (50..200)"
    assert shown["p50 ms"] == "10.0 (10.0..10.0)"
    assert shown["CPU-ms a step"] == "2.00 (1.00..3.00)", "the load generator is not part of the system"
    assert shown["of which"] == "server 2.00, load 0.50"


def test_the_table_puts_systems_under_the_same_load_beside_each_other() -> None:
    lines = table.lines({"a": [sample(clients=1), sample(clients=16)], "b": [sample(clients=1), sample(clients=16)]})

    assert [line.split()[1:4:2] for line in lines[2:]] == [["1", "a"], ["1", "b"], ["16", "a"], ["16", "b"]]


def test_wrong_answers_are_shown_where_the_speed_is() -> None:
    assert "2 ERRORS" in table.line("ours", sample(errors=2))
    assert "3 ERRORS" in table.lines({"ours": [sample(errors=1), sample(errors=2)]})[2]


def test_each_round_begins_with_another_system() -> None:
    assert [peers.rotated(["a", "b", "c"], number) for number in range(4)] == [
        ["a", "b", "c"],
        ["b", "c", "a"],
        ["c", "a", "b"],
        ["a", "b", "c"],
    ]


@pytest.mark.parametrize(
    ("answer", "errors"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n10", 0),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n-1", 3),
        (b"HTTP/1.1 500 Oh\r\ncontent-length: 2\r\n\r\n10", 3),
    ],
)
async def test_an_answer_other_than_the_expected_one_is_an_error(answer: bytes, errors: int) -> None:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (await reader.read(1_000)).endswith(b"{}"):
            writer.write(answer)
        writer.close()

    async with await asyncio.start_server(respond, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]

        measured = await load.run(
            f"http://127.0.0.1:{port}", "/run", lambda: b"{}", clients=1, requests=3, expected=b"10"
        )

    assert (len(measured.latencies), measured.errors) == (3, errors)


async def test_redis_is_asked_in_its_own_protocol_and_refusals_and_absent_values_are_errors() -> None:
    asked: list[bytes] = []
    answers = iter([b"$3\r\nabc\r\n", b"$-1\r\n", b"-ERR no\r\n", b"+OK\r\n"])

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while command := await reader.read(1_000):
            asked.append(command)
            answer = next(answers)
            writer.write(answer[:3])  # an answer may come in parts
            await writer.drain()
            writer.write(answer[3:])
        writer.close()

    async with await asyncio.start_server(respond, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]

        measured = await peer_redis.send(port, lambda: (b"GET", b"key.1"), clients=1, requests=4)

    assert asked == [b"*2\r\n$3\r\nGET\r\n$5\r\nkey.1\r\n"] * 4
    assert (len(measured.latencies), measured.errors) == (4, 2)


def test_the_processor_time_of_a_process_includes_children_that_have_ended() -> None:
    before = machine.tree_cpu_s(os.getpid()) - machine.cpu_s(os.getpid())
    spend = "import time\nwhile time.process_time() < 0.2: pass"

    subprocess.run([sys.executable, "-c", spend], check=True, timeout=60)

    assert machine.tree_cpu_s(os.getpid()) - machine.cpu_s(os.getpid()) - before > 0.15


def test_an_environment_is_made_once_and_anew_for_other_versions_or_after_an_interruption(tmp_path: Path) -> None:
    made: list[str] = []

    def ensure(version: str, install: Callable[[], None]) -> None:
        environment.once(tmp_path / "peer", [version], install)

    def interrupted() -> None:
        raise KeyboardInterrupt

    ensure("1.0", lambda: made.append("1.0"))
    ensure("1.0", lambda: made.append("1.0 again"))
    with pytest.raises(KeyboardInterrupt):
        ensure("2.0", interrupted)
    ensure("2.0", lambda: made.append("2.0"))

    assert made == ["1.0", "2.0"]


def test_a_child_and_its_directory_are_gone_even_if_the_benchmark_fails(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    directory.mkdir()
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]

    with (
        pytest.raises(ZeroDivisionError),
        child(command, log_file=tmp_path / "log", environment=os.environ, directory=directory, talks=True) as process,
    ):
        raise ZeroDivisionError

    assert process.returncode == -9
    assert not directory.exists()


def test_who_left_the_network_has_only_a_loopback_and_it_works() -> None:
    code = (
        "import socket\n"
        "from benchmarks import network\n"
        "try: network.leave()\n"
        "except OSError as error: raise SystemExit(f'not allowed: {error}')\n"
        "with socket.create_server(('127.0.0.1', 0)) as server:\n"
        "    socket.create_connection(server.getsockname(), timeout=10).close()\n"
        "print([name for _, name in socket.if_nameindex()])"
    )

    left = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT)

    if "not allowed" in left.stderr:
        pytest.skip(left.stderr)
    assert (left.stdout, left.stderr) == ("['lo']\n", "")


def test_no_benchmark_hides_a_module_of_python() -> None:
    """Workers of other systems are run as files, which puts their folder before Python's own modules."""
    assert not {file.stem for file in (ROOT / "benchmarks").glob("*.py")} & sys.stdlib_module_names


def test_a_median_is_told_with_where_it_may_lie() -> None:
    values = [float(value) for value in range(100, 0, -1)]

    assert machine.median_within(values) == (41.0, 50.5, 60.0)
    assert machine.median_within([3.0, 1.0]) == (1.0, 2.0, 3.0)
    assert machine.median_within([1.0]) == (1.0, 1.0, 1.0)


def test_what_the_threads_of_a_process_have_used_is_told_finely() -> None:
    before = machine.running_s(os.getpid())
    sum(range(100_000))
    os.sched_yield()  # what a thread has used is written down when it lets go of the processor

    assert 0 < machine.running_s(os.getpid()) - before < 10
