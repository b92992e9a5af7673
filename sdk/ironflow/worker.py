"""The worker: takes runs over one gRPC stream, executes functions, reports each step and waits until it is durable.

connecting ──► connected ──► draining ──► ended
    ▲              │ the server is away
    └── back off ◄─┘
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import random
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ironflow import discovery, parking
from ironflow.backoff import Backoff
from ironflow.errors import IronflowError, ServerUnavailable, Timeout
from ironflow.function import Function
from ironflow.place import ConnectionLost, Place
from ironflow.projection import Projection
from ironflow.stream import Connection, Identity
from ironflow.threads import Threads

log = logging.getLogger("ironflow.worker")

DRAIN_S = 60.0
THREADS_MAX = 64


class Worker:
    """Executes functions until it is told to stop.

    Async functions run as tasks, plain ones in threads (`threads`, by default as many as jobs, at most 64), as do the
    plain steps of either. On SIGTERM or SIGINT the worker takes no new runs and finishes those it has, up to a minute;
    a second signal stops at once. What it does not finish, another worker goes on with.

    `projections` are folded here, each by one worker at a time; the others stand by.

    Runs of async functions that sleep or wait stay in memory, up to `parked_runs_max` of them, and go on where they
    were; the others, and all when memory is short or the worker ends, are replayed from what is recorded.

    The server is found as by `Client`; its gRPC address is `grpc_address`, else `IRONFLOW_GRPC_ADDRESS`, else that of
    the discovery file, else what the server says.
    """

    def __init__(
        self,
        functions: Sequence[Function] = (),
        *,
        projections: Sequence[Projection] = (),
        server: str | None = None,
        grpc_address: str | None = None,
        api_key: str | None = None,
        environment: str | None = None,
        max_concurrent_jobs: int = 100,
        worker_id: str | None = None,
        labels: Mapping[str, str] | None = None,
        threads: int | None = None,
        parked_runs_max: int = parking.COUNT_MAX,
    ) -> None:
        if isinstance(functions, Function) or not (functions or projections):
            raise ValueError("a worker needs functions: Worker([my_function]), or projections=[my_projection]")
        if max_concurrent_jobs < 1:
            raise ValueError(f"max_concurrent_jobs must be 1 or more, not {max_concurrent_jobs}")
        if threads is not None and threads < 1:
            raise ValueError(f"threads must be 1 or more, not {threads}")
        if parked_runs_max < 0:
            raise ValueError(f"parked_runs_max must be 0 or more, not {parked_runs_max}")
        known: dict[str, Function] = {}
        for declared in functions:
            if not isinstance(declared, Function):
                raise TypeError(f"{declared!r} is not a function of ironflow: declare it with @function(...)")
            if declared.id in known:
                raise ValueError(f"two functions have the id {declared.id!r}")
            known[declared.id] = declared
        for declared in functions:
            handler = declared.options.on_failure
            if isinstance(handler, Function) and known.setdefault(handler.id, handler) is not handler:
                raise ValueError(f"two functions have the id {handler.id!r}: that of on_failure is another")
        self._projections = _checked(projections)
        self.id = worker_id or f"worker-{uuid.uuid4()}"
        self._find: Callable[[], discovery.Server] = lambda: discovery.find(
            server, api_key=api_key, environment=environment, grpc_address=grpc_address
        )
        self._identity = Identity(self.id, known, max_concurrent_jobs, dict(labels or {}))
        self._thread_count = threads or min(THREADS_MAX, max_concurrent_jobs)
        self._parking = parking.Parking(count_max=parked_runs_max)
        self._ready = asyncio.Event()
        self._draining = asyncio.Event()
        self._stopping = asyncio.Event()
        self._complained = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Run until a signal says stop; blocks. Raises as `run`."""
        try:
            import uvloop
        except ImportError:
            asyncio.run(self.run())
        else:
            uvloop.run(self.run())

    async def run(self) -> None:
        """Run until drained. Raises IronflowError when the server will not have the functions or the credentials;
        that the server is away is waited out."""
        self._loop = asyncio.get_running_loop()
        handlers = Threads(self._thread_count, name="ironflow-function")
        steps = Threads(self._thread_count, name="ironflow-step")
        projecting = Threads(max(1, 2 * len(self._projections)), name="ironflow-projection")
        with self._signals():
            tasks = [
                asyncio.create_task(self._keep_connected(handlers, steps, projecting)),
                asyncio.create_task(self._stopping.wait()),
            ]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
                self._loop = None
                handlers.close()
                steps.close()
                projecting.close()
        if not tasks[0].cancelled():
            tasks[0].result()
        log.info("stopped")

    async def ready(self) -> None:
        """Returns once the server knows the functions and hands out their runs; for the event loop of `run`."""
        await self._ready.wait()

    def stop(self) -> None:
        """Drain: no new runs; `run` returns when those there are have ended. A second call stops at once. May be called
        from any thread."""
        if self._loop is None:
            self._stop()
        else:
            self._loop.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        (self._stopping if self._draining.is_set() else self._draining).set()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT stop the worker, where it has the main thread; afterwards they mean what they did."""
        numbers = (signal.SIGTERM, signal.SIGINT)
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        before = [(number, signal.getsignal(number)) for number in numbers]
        with contextlib.suppress(NotImplementedError):  # not on Windows
            for number in numbers:
                loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            with contextlib.suppress(NotImplementedError):
                for number, handler in before:
                    loop.remove_signal_handler(number)
                    if handler is not None:
                        signal.signal(number, handler)

    async def _keep_connected(self, handlers: Threads, steps: Threads, projecting: Threads) -> None:
        backoff = Backoff()
        while not self._draining.is_set():
            found = self._find()  # each time: a server that was started again may have another port
            at = found.grpc_address or found.url
            try:
                place = await _place(found, steps)
                at = place.address
                connection = Connection(
                    place,
                    self._identity,
                    draining=self._draining,
                    drain_s=DRAIN_S,
                    handlers=handlers,
                    threads=steps,
                    parking=self._parking,
                    projections=self._projections,
                    projection_threads=projecting,
                    on_connected=functools.partial(self._connected, at, backoff),
                )
                await connection.run()
            except (ConnectionLost, ServerUnavailable, Timeout) as error:
                self._complain(at, error)
                await self._pause(backoff.lost(time.monotonic()) * random.uniform(0.5, 1.0))

    def _connected(self, at: str, backoff: Backoff) -> None:
        backoff.connected(time.monotonic())
        log.info("connected to %s as %s", at, self.id)
        self._complained = False
        self._ready.set()

    def _complain(self, at: str, error: Exception) -> None:
        """Once for each loss, not for each try."""
        if not self._complained and not self._draining.is_set():
            log.warning("not connected to %s: %s; trying again", at, error)
        self._complained = True

    async def _pause(self, delay_s: float) -> None:
        """Wait, unless the worker is to stop: without a connection there is nothing to finish."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await self._draining.wait()


def _checked(projections: Sequence[Projection]) -> Sequence[Projection]:
    """The projections, if they can run beside one another. Raises TypeError, ValueError."""
    if isinstance(projections, Projection):
        raise TypeError("projections must be a list: Worker(projections=[my_projection])")
    names = set[str]()
    for one in projections:
        if not isinstance(one, Projection):
            raise TypeError(f"{one!r} is not a projection of ironflow: declare it with @projection(...)")
        if one.name in names:
            raise ValueError(f"two projections have the name {one.name!r}")
        names.add(one.name)
    return tuple(projections)


async def _place(server: discovery.Server, threads: Threads) -> Place:
    """Where the server's gRPC face is. Raises ServerUnavailable and Timeout when it has to be asked and is away."""
    address = server.grpc_address
    if not address:
        asked = await asyncio.wrap_future(threads.submit(lambda: _ask(server)))
        if asked.error is not None:
            raise asked.error
        address = asked.result
    return _placed(server, address)


def asked_place(server: discovery.Server) -> Place:
    """The same, blocking while the server is asked."""
    return _placed(server, server.grpc_address or _ask(server))


def _placed(server: discovery.Server, address: str) -> Place:
    split = urlsplit(server.url)
    scheme, _, bare = address.rpartition("://")
    secure = scheme in ("https", "grpcs") if scheme else split.scheme == "https"
    return Place(bare, secure, server.environment, server.api_key)


def _ask(server: discovery.Server) -> str:
    """What the server says of itself, else the port next to that of HTTP."""
    from ironflow.client import Client

    host = urlsplit(server.url).hostname or "127.0.0.1"
    shown = f"[{host}]" if ":" in host else host
    try:
        with Client(server.url, api_key=server.api_key or None, environment=server.environment) as client:
            told: Mapping[str, Any] = client.capabilities()
    except (ServerUnavailable, Timeout):
        raise
    except IronflowError:  # a server that does not tell
        told = {}
    address = str(told.get("grpc_address") or "")
    if not address:
        return f"{shown}:{told.get('grpc_port') or discovery.DEFAULT_GRPC_PORT}"
    told_host, _, port = address.rpartition(":")
    return f"{shown}:{port}" if told_host in ("", "0.0.0.0", "[::]", "::") else address
