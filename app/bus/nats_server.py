"""Our own nats-server: a child process on loopback with JetStream, random credentials, restarted when it dies.

It dies with us: the kernel sends it SIGTERM when the process that started it is gone. NATS is disposable, so nothing
waits for it; who needs it asks `ready`.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from app import supervisor
from app.bus.roots import INGEST, OUTWARD

if TYPE_CHECKING:
    import asyncio

CHILD_ARGUMENT = "__nats"
"""`ironflow __nats PARENT BINARY CONFIG` becomes a nats-server that dies with PARENT; see `become`."""

CREDENTIALS = "client.json"
"""Says how other programs connect, while the server runs."""
STOP_TIMEOUT_S = 5.0
READY_TIMEOUT_S = 30.0
BACKOFF_S = (0.05, 5.0)

GUEST = "client"
"""The user that other programs connect as: they may follow what is published outward, and publish what comes in."""
PERMISSIONS = {
    "publish": {
        "allow": [
            INGEST,
            "$JS.API.INFO",
            "$JS.API.STREAM.NAMES",
            "$JS.API.STREAM.LIST",
            "$JS.API.STREAM.INFO.*",
            "$JS.API.DIRECT.GET.IRONFLOW",
            "$JS.API.DIRECT.GET.IRONFLOW.>",
            "$JS.API.STREAM.MSG.GET.IRONFLOW",
            "$JS.API.CONSUMER.CREATE.IRONFLOW",
            "$JS.API.CONSUMER.CREATE.IRONFLOW.>",
            "$JS.API.CONSUMER.DURABLE.CREATE.IRONFLOW.>",
            "$JS.API.CONSUMER.DELETE.IRONFLOW.>",
            "$JS.API.CONSUMER.NAMES.*",
            "$JS.API.CONSUMER.LIST.*",
            "$JS.API.CONSUMER.INFO.*.*",
            "$JS.API.CONSUMER.MSG.NEXT.*.*",
            "$JS.ACK.>",
            "$JS.FC.>",
        ],
        "deny": list(OUTWARD),
    },
    "subscribe": {"allow": [*OUTWARD, "_INBOX.>"]},
}

_CONFIG = """\
server_name: "ironflow"
host: "127.0.0.1"
port: {port}
authorization {{ users: [
  {{ user: "ironflow", password: $IRONFLOW_NATS_PASSWORD }}
  {{ user: "{guest}", password: $IRONFLOW_NATS_GUEST_PASSWORD, permissions: {permissions} }}
{guests}] }}
max_payload: 16MB
max_pending: 128MB
write_deadline: "10s"
jetstream {{ store_dir: "{folder}/js", max_mem: 64MB, max_file: 4GB, sync_interval: "2s" }}
ports_file_dir: "{folder}"
log_file: "{folder}/nats.log"
log_size_limit: 16MB
"""


class Child(msgspec.Struct):
    """A running nats-server: its process, where its files are, and the password that only it and we know."""

    pid: int
    binary: Path
    folder: Path
    password: str
    port: int = -1
    """What its settings say; -1 for any that is free."""


def spawn(binary: Path, folder: Path, *, port: int = 0) -> Child:
    """Start nats-server, on a free port for port 0. Call it while the process has one thread: it forks."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    password = secrets.token_hex(16)
    _write_config(folder, port=port or -1)
    guest_password(folder)
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            become(parent, binary, folder, password)
        finally:
            os._exit(127)
    return Child(pid, binary, folder, password, port or -1)


def guest_password(folder: Path) -> str:
    """The password of other programs, made once; who may read the folder may have it."""
    path = folder / "client.password"
    try:
        return path.read_text("ascii").strip()
    except FileNotFoundError:
        made = f"nats-{secrets.token_hex(16)}"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(made + "\n")
        return made


def credentials(folder: Path) -> dict[str, str] | None:
    """How other programs connect to the server that runs over this folder: url, user, password; None if none does."""
    try:
        found: dict[str, str] = json.loads((folder / CREDENTIALS).read_text("utf-8"))
    except FileNotFoundError:
        return None
    return found


def become(parent: int, binary: Path, folder: Path, password: str) -> None:
    """Turn this process into a nats-server that ends when `parent` does. Returns only by an exception."""
    if not supervisor.end_with(parent):
        return
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    environment = {
        "IRONFLOW_NATS_PASSWORD": password,
        "IRONFLOW_NATS_GUEST_PASSWORD": guest_password(folder),
        "HOME": str(folder),
        "GOMEMLIMIT": "256MiB",
        "GOGC": "40",  # a fifth less memory, for 4 µs a message
    }
    os.execve(binary, [str(binary), "-c", str(folder / "nats.conf")], environment)


def become_from_arguments(arguments: list[str]) -> None:
    """The other end of a restart: the password comes on standard input."""
    parent, binary, folder = arguments
    become(int(parent), Path(binary), Path(folder), sys.stdin.readline().strip())


def _write_config(folder: Path, *, port: int, guests: Sequence[Mapping[str, Any]] = ()) -> None:
    told = "".join(f"  {json.dumps(one)}\n" for one in guests)
    permissions = json.dumps(PERMISSIONS)
    config = _CONFIG.format(port=port, folder=folder.resolve(), guest=GUEST, permissions=permissions, guests=told)
    _write_private(folder / "nats.conf", config)


def _write_private(path: Path, content: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(content)


class NatsServer:
    """Supervises the child. `up` says whether it runs, `restarts` how often it had to be started again."""

    def __init__(self, child: Child) -> None:
        import asyncio

        self._child = child
        self._port = -1
        self._ready = asyncio.Event()
        self.guests: Sequence[Mapping[str, Any]] = ()
        self.up = False
        self.restarts = 0

    @property
    def user(self) -> str:
        return "ironflow"

    @property
    def password(self) -> str:
        return self._child.password

    @property
    def folder(self) -> Path:
        return self._child.folder

    @property
    def pid(self) -> int:
        return self._child.pid

    async def ready(self) -> str:
        """Its URL, once it takes connections."""
        await self._ready.wait()
        return f"nats://127.0.0.1:{self._port}"

    async def admit(self, guests: Sequence[Mapping[str, Any]]) -> None:
        """These users may connect too, as its settings have them, and no others: who is connected and no longer may is
        cut. It reads its settings again soon after this returns."""
        await self.ready()  # before, a signal would end it
        self.guests = tuple(guests)
        _write_config(self._child.folder, port=self._child.port, guests=self.guests)
        with contextlib.suppress(ProcessLookupError):  # the next one begins with them
            os.kill(self._child.pid, signal.SIGHUP)

    async def run(self) -> None:
        """Keep it running until cancelled, then stop it."""
        import asyncio

        import structlog

        log = structlog.get_logger(__name__)
        delay_s = BACKOFF_S[0]
        try:
            while True:
                died = _death_of(self._child.pid)
                await self._await_ports(died)
                if not died.done():
                    delay_s = BACKOFF_S[0]
                    await died
                self.up = False
                self._ready.clear()
                _reap(self._child.pid)
                log.warning("nats-server ended, starting it again", restarts=self.restarts + 1)
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, BACKOFF_S[1])
                await self._restart()
        finally:
            (self._child.folder / CREDENTIALS).unlink(missing_ok=True)
            await asyncio.shield(asyncio.to_thread(_stop, self._child.pid))

    async def _await_ports(self, died: asyncio.Future[None]) -> None:
        """nats-server writes its ports to a file when it takes connections."""
        import asyncio

        path = self._child.folder / f"nats-server_{self._child.pid}.ports"
        for _ in range(int(READY_TIMEOUT_S / 0.005)):
            if died.done():
                return
            try:
                told = json.loads(path.read_text())
            except (FileNotFoundError, ValueError):
                await asyncio.sleep(0.005)
                continue
            self._port = int(told["nats"][0].rpartition(":")[2])
            self._tell_credentials()
            self.up = True
            self._ready.set()
            return
        os.kill(self._child.pid, signal.SIGKILL)
        await died

    def _tell_credentials(self) -> None:
        folder = self._child.folder
        told = {"url": f"nats://127.0.0.1:{self._port}", "user": GUEST, "password": guest_password(folder)}
        _write_private(folder / CREDENTIALS, json.dumps(told))

    async def _restart(self) -> None:
        """Through a helper process, since this one has threads now; on the port it had, so that clients find it."""
        import asyncio

        _write_config(self._child.folder, port=self._port, guests=self.guests)
        process = await asyncio.create_subprocess_exec(
            *supervisor.command(),
            CHILD_ARGUMENT,
            str(os.getpid()),
            str(self._child.binary),
            str(self._child.folder),
            stdin=asyncio.subprocess.PIPE,
            env=supervisor.variables(),
        )
        assert process.stdin is not None
        process.stdin.write(f"{self._child.password}\n".encode())
        process.stdin.close()
        self._child = replace(self._child, pid=process.pid, port=self._port)
        self.restarts += 1


def _death_of(pid: int) -> asyncio.Future[None]:
    """Done when the process has ended."""
    import asyncio

    loop = asyncio.get_running_loop()
    died: asyncio.Future[None] = loop.create_future()
    watch = os.pidfd_open(pid)

    def ended() -> None:
        loop.remove_reader(watch)
        os.close(watch)
        if not died.done():
            died.set_result(None)

    loop.add_reader(watch, ended)
    return died


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return  # the event loop's child watcher was first


def _stop(pid: int) -> None:
    """SIGTERM, and SIGKILL if it takes too long."""
    import select

    try:
        watch = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        ended = select.poll()  # which takes any number of file, as select does not
        ended.register(watch, select.POLLIN)
        os.kill(pid, signal.SIGTERM)
        if not ended.poll(STOP_TIMEOUT_S * 1_000):
            os.kill(pid, signal.SIGKILL)
            ended.poll(STOP_TIMEOUT_S * 1_000)
        _reap(pid)
    except ProcessLookupError:
        return
    finally:
        os.close(watch)
