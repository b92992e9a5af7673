"""A backup taken while events are coming in, restored, verified, and served."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import httpx
import pytest

from tests.support import forked
from tests.support.postgres import Cluster
from tests.support.server import ServerProcess

StartServer = Callable[..., ServerProcess]


def ironflow(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return forked.run([*map(str, arguments)], env=os.environ, cwd=Path.cwd(), timeout_s=120)


def where(server: ServerProcess) -> list[str]:
    return ["--database-url", server.database_url] if server.database_url else ["--data-dir", str(server.data_dir)]


class Emitting:
    """Emits events one after another until it is left; `sent` are acknowledged."""

    def __init__(self, url: str) -> None:
        self.sent: list[str] = []
        self._url = url
        self._stop = threading.Event()
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._emit)

    def wait_for_some(self) -> None:
        assert self._enough.wait(60)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _emit(self) -> None:
        with httpx.Client(base_url=self._url, timeout=60) as client:
            while not self._stop.is_set():
                answer = client.post("/api/v1/events", json={"name": "a", "data": {"n": len(self.sent)}})
                self.sent.append(answer.json()["event_id"])
                if len(self.sent) == 50:
                    self._enough.set()


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest, database_url: str | None, tmp_path: Path) -> Iterator[list[str]]:
    """Flags that name another, empty store of the same kind."""
    if database_url is None:
        yield ["--data-dir", str(tmp_path / "elsewhere")]
        return
    cluster: Cluster = request.getfixturevalue("durable_postgres")
    url = cluster.create_database()
    yield ["--database-url", url]
    cluster.drop_database(url)


def test_a_backup_under_load_restores_to_a_verified_history(
    start_server: StartServer, database_url: str | None, elsewhere: list[str], tmp_path: Path
) -> None:
    server = start_server(database_url=database_url)
    file = tmp_path / "a.backup"
    with Emitting(server.url) as emitting:
        emitting.wait_for_some()
        before = list(emitting.sent)
        taken = ironflow("backup", file, *where(server), "--json")
        assert taken.returncode == 0, taken.stderr
    told = json.loads(taken.stdout)
    assert len(before) <= told["position"] < len(emitting.sent) + 10
    assert file.stat().st_mode & 0o077 == 0

    restored = ironflow("restore", file, *elsewhere, "--json")

    assert restored.returncode == 0, restored.stdout + restored.stderr
    shown = json.loads(restored.stdout)
    assert (shown["ok"], shown["digest"]) == (True, told["digest"])
    server.terminate()
    url = elsewhere[1] if database_url else None
    data_dir = tmp_path / "other" if database_url else Path(elsewhere[1])
    other = start_server(database_url=url, data_dir=data_dir)
    for event_id in before:
        assert httpx.get(f"{other.url}/api/v1/events/{event_id}", timeout=60).status_code == 200
    assert httpx.post(f"{other.url}/api/v1/events", json={"name": "b"}, timeout=60).status_code == 201
    other.check_history()


def test_nothing_is_restored_over_data_nor_from_a_damaged_file(
    start_server: StartServer, database_url: str | None, elsewhere: list[str], tmp_path: Path
) -> None:
    server = start_server(database_url=database_url)
    httpx.post(f"{server.url}/api/v1/events", json={"name": "a"}, timeout=60)
    file, damaged = tmp_path / "a.backup", tmp_path / "damaged.backup"
    assert ironflow("backup", file, *where(server)).returncode == 0

    over = ironflow("restore", file, *where(server))
    again = ironflow("backup", file, *where(server))
    with zipfile.ZipFile(file) as whole, zipfile.ZipFile(damaged, "w") as changed:
        for name in whole.namelist():
            content = whole.read(name)
            part = name in ("history", "ironflow.db")
            changed.writestr(name, content[:-1] + bytes([content[-1] ^ 1]) if part else content)
    checked = ironflow("restore", "--check", damaged)
    refused = ironflow("restore", damaged, *elsewhere)
    cut = tmp_path / "cut.backup"
    cut.write_bytes(file.read_bytes()[:-100])

    assert (over.returncode, "restore into a new" in over.stderr) == (1, True)
    assert (again.returncode, "is there already" in again.stderr) == (1, True)
    assert (checked.returncode, "is not what was backed up" in checked.stderr) == (1, True)
    assert (refused.returncode, "is not what was backed up" in refused.stderr) == (1, True)
    assert "is not a backup, or not all of it" in ironflow("restore", "--check", cut).stderr
    assert ironflow("restore", "--check", file).returncode == 0
    assert ironflow("restore", file, *elsewhere).returncode == 0, "nothing was left by the damaged one"


def test_a_backup_is_restored_to_its_own_kind_of_store(
    start_server: StartServer, database_url: str | None, postgres_url: str, tmp_path: Path
) -> None:
    server = start_server(database_url=database_url)
    file = tmp_path / "a.backup"
    assert ironflow("backup", file, *where(server)).returncode == 0
    other = ["--data-dir", str(tmp_path / "other")] if database_url else ["--database-url", postgres_url]

    refused = ironflow("restore", file, *other)

    assert (refused.returncode, "was taken from" in refused.stderr) == (1, True)


def test_the_log_of_another_database_is_not_taken_for_the_restored_one_s(
    start_server: StartServer, tmp_path: Path
) -> None:
    server = start_server()
    file, elsewhere = tmp_path / "a.backup", tmp_path / "elsewhere"
    assert ironflow("backup", file, *where(server)).returncode == 0
    elsewhere.mkdir()
    (elsewhere / "ironflow.db-wal").write_bytes(b"of before")

    refused = ironflow("restore", file, "--data-dir", elsewhere)

    assert (refused.returncode, "ironflow.db-wal of a database is there" in refused.stderr) == (1, True)
