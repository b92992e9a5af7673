"""What the tests stand on keeps its own promises."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.support.postgres import Cluster
from tests.support.server import ServerProcess

ROOT = Path(__file__).parents[2]


def test_a_killed_test_process_leaves_no_postgres_and_no_directory_behind() -> None:
    code = (
        "import sys\n"
        "from tests.support.postgres import Cluster\n"
        "cluster = Cluster()\n"
        "cluster.start()\n"
        "print(cluster.pid, cluster.directory, flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as pytest_like:
        assert pytest_like.stdout is not None
        pid, directory = pytest_like.stdout.readline().split()
        postgres = os.pidfd_open(int(pid))

        pytest_like.send_signal(signal.SIGKILL)

        # The reaper inherited this pipe: it ends when the reaper has done its work.
        assert pytest_like.stdout.read() == ""
        assert select.select([postgres], [], [], 0)[0]
        assert not Path(directory).exists()
        os.close(postgres)


def test_each_test_gets_a_copy_of_the_prepared_database(postgres: Cluster) -> None:
    prepared: list[str] = []

    def prepare(url: str) -> None:
        prepared.append(url)
        with psycopg.connect(url) as connection:
            connection.execute("create table note as select 'seen' as text")

    urls = [postgres.create_database(prepare) for _ in range(2)]

    assert len(prepared) == 1
    assert len({*prepared, *urls}) == 3
    for url in urls:
        with psycopg.connect(url) as connection:
            assert connection.execute("select text from note").fetchall() == [("seen",)]
        postgres.drop_database(url)


@pytest.mark.slow
def test_a_durable_postgres_keeps_what_it_committed_when_killed() -> None:
    with Cluster(durable=True, tcp=True) as cluster:
        url = cluster.create_database()
        with psycopg.connect(url) as connection:
            connection.execute("create table note as select 'seen' as text")

        cluster.kill9()
        cluster.recover()

        with psycopg.connect(url) as connection:
            assert connection.execute("select text from note").fetchall() == [("seen",)]


def test_a_server_that_ends_at_once_is_reported_with_its_log(tmp_path: Path) -> None:
    server = ServerProcess(data_dir=tmp_path / "data", command=[sys.executable, "-c", "raise SystemExit('no luck')"])

    with pytest.raises(RuntimeError, match="no luck"):
        server.start()
