"""Fixtures for every test: a Postgres on demand, real servers, and randomness that can be had again.

`postgres_url` is a database of its own for each test, a copy of one that has the schema. Tests that want it empty, or
prepared otherwise, override the session fixture `prepare_database`.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import shutil
import signal
import sys
import uuid
import zlib
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import hypothesis
import pytest

import ironflow.transport  # noqa: F401  first: a test that imports gRPC before it leaves gRPC's handlers of forks on
from tests.support.bounds import within
from tests.support.postgres import Cluster, Prepare
from tests.support.server import ServerProcess

hypothesis.settings.register_profile("ironflow", deadline=None, print_blob=True)
hypothesis.settings.load_profile("ironflow")

_SERVERS = pytest.StashKey[list[ServerProcess]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=None, help="of the randomised tests; a new one is drawn without it")
    parser.addoption("--cases", type=int, default=1, help="of each operation that Schemathesis makes; `make cases`")
    parser.addoption("--kill-cycles", type=int, default=8, help="of the storm of kills; `make soak` takes 300")


def pytest_configure(config: pytest.Config) -> None:
    # Drawn where pytest-xdist still copies options to its workers, so that all of them share it.
    if config.option.seed is None:
        config.option.seed = random.SystemRandom().randrange(1_000_000)
    # A shell has what it starts in the background ignore Ctrl-C, and all that is started by that, down to our children.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # As in the Makefile: hundreds of processes are started, which would each compile every module.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


@pytest.hookimpl(hookwrapper=True)
def pytest_collection() -> Generator[None, None, None]:
    """What is collected stays: it is not looked through for garbage, now or during any test."""
    gc.disable()
    yield
    gc.enable()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests come first, so that no process of pytest-xdist is left alone with one of them at the end."""
    items.sort(key=lambda item: "tests/ui/" not in item.nodeid)


def pytest_report_header(config: pytest.Config) -> str:
    return f"seed: {config.option.seed} (repeat with --seed={config.option.seed})"


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """This test's own seed, drawn from --seed and its name; printed with its failure."""
    return zlib.crc32(f"{request.config.option.seed}:{request.node.nodeid}".encode())


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    outcome = yield
    report: pytest.TestReport = outcome.get_result()
    if not report.failed:
        return
    if "seed" in getattr(item, "fixturenames", ()):
        report.sections.append(("seed", f"--seed={item.config.option.seed}"))
    for server in item.stash.get(_SERVERS, []):
        report.sections.append((f"log of the server in {server.data_dir}", server.log()))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A quick Postgres: nothing is synced, so it proves nothing about a crash of the machine."""
    with Cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def durable_postgres() -> Iterator[Cluster]:
    """A Postgres as in production: fsync and synchronous_commit on."""
    with Cluster(durable=True) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def prepare_database() -> Prepare | None:
    """What to do once to the database that each test gets a copy of: it has the schema. Tests of migrations override
    this."""
    return migrated


def migrated(url: str) -> None:
    """Bring the database there up to date, in a loop of its own: who asks may have one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, _migrate(url)).result()


async def _migrate(url: str) -> None:
    from app import resources
    from storage import open_storage

    async with within("the schema", 60):
        storage = await open_storage(url, resources.sql_folder())
        await storage.migrate()
        await storage.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the schema, to be copied: to migrate each test's own took longer than many a test."""
    template = tmp_path_factory.mktemp("template") / "ironflow.db"
    migrated(str(template))
    return template


@pytest.fixture
def sqlite_file(tmp_path: Path, prepare_database: Prepare | None, request: pytest.FixtureRequest) -> Path:
    """A store for this test alone, as `postgres_url`; one that is not there yet, if databases are not prepared."""
    file = tmp_path / "ironflow.db"
    if prepare_database is not None:
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
    return file


@pytest.fixture
def postgres_url(postgres: Cluster, prepare_database: Prepare | None) -> Iterator[str]:
    """URL of a database for this test alone."""
    url = postgres.create_database(prepare_database)
    yield url
    postgres.drop_database(url)


@pytest.fixture
def empty_postgres_url(postgres: Cluster) -> Iterator[str]:
    """The same without the schema."""
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture
def durable_postgres_url(durable_postgres: Cluster, prepare_database: Prepare | None) -> Iterator[str]:
    """The same in a Postgres that syncs."""
    url = durable_postgres.create_database(prepare_database)
    yield url
    durable_postgres.drop_database(url)


@pytest.fixture
def start_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Start real servers: `start_server(database_url=…, data_dir=…, arguments=[…], environment={…})`.

    They are ready when it returns; their logs are shown if the test fails; they are gone after it.
    """
    started: list[ServerProcess] = []
    request.node.stash[_SERVERS] = started

    def start(**options: Any) -> ServerProcess:
        options.setdefault("data_dir", tmp_path / f"server-{len(started) + 1}")
        server = ServerProcess(**options)
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.close()


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def shared_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One running server for all tests on each store; a test uses an `environment` of its own."""
    yield from _serving(request, tmp_path_factory)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def own_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One for the tests of a file that change what all environments share."""
    yield from _serving(request, tmp_path_factory)


def _serving(request: pytest.FixtureRequest, folders: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    url = None
    if request.param == "postgres":
        cluster: Cluster = request.getfixturevalue("postgres")
        url = cluster.create_database()
    server = ServerProcess(data_dir=folders.mktemp("server") / "data", database_url=url)
    server.start()
    yield server
    server.close()


@pytest.fixture
def environment() -> str:
    return f"t-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One running server on SQLite, for all tests for which that is enough; a test uses an `environment` of its own."""
    made = ServerProcess(data_dir=tmp_path_factory.mktemp("server") / "data")
    made.start()
    yield made
    made.close()
