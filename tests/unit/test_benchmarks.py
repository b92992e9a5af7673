"""The benchmarks measure what they say, and leave nothing behind."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import load, machine
from benchmarks.process import child


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


def test_the_processor_time_of_a_process_includes_children_that_have_ended() -> None:
    before = machine.tree_cpu_s(os.getpid()) - machine.cpu_s(os.getpid())
    spend = "import time\nwhile time.process_time() < 0.2: pass"

    subprocess.run([sys.executable, "-c", spend], check=True, timeout=60)

    assert machine.tree_cpu_s(os.getpid()) - machine.cpu_s(os.getpid()) - before > 0.15


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
