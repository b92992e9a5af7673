"""Running projections in a worker: each one under a lease, batch after batch, until the worker ends.

    registered ──► standing by ──► holding a lease: poll, fold, save ──► lost or released
                        ▲                                                      │
                        └──────────────────────────────────────────────────────┘

Besides the lease it holds, a worker always asks for one more: of the generation that is built during a rebuild, or of
the one that serves, should its runner end.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import logging
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from ironflow import folding
from ironflow.errors import NotFound
from ironflow.folding import Progress, States
from ironflow.function import is_async
from ironflow.place import CALL_TIMEOUT_S, Place, first_of, refusal
from ironflow.projection import ProjectedEvent, Projection
from ironflow.threads import Threads
from ironflow.transport import grpc
from ironflow.v1 import projection_pb2 as pb
from ironflow.v1 import projection_pb2_grpc

log = logging.getLogger("ironflow.projection")

BATCH = 500
EXTERNAL_BATCH = 50
HOLD_MS = 20_000
"""How long the server may hold a call while there is nothing to tell."""
HANDLER_ATTEMPTS = 3
HANDLER_RETRY_S = 0.2
SUPERSEDED_RETRY_S = 5.0
LOADS_AT_ONCE = 32


class _Lost(Exception):
    """The lease is somebody else's now, or its generation is no more."""


class Projecting:
    """One projection on one connection."""

    def __init__(
        self,
        projection: Projection,
        *,
        place: Place,
        channel: grpc.aio.Channel,
        threads: Threads,
        draining: asyncio.Event,
    ) -> None:
        self._projection = projection
        self._place = place
        self._threads = threads
        self._draining = draining
        self._service: Any = projection_pb2_grpc.ProjectionServiceStub(channel)
        self._registered = False
        self._complained = False

    async def run(self) -> None:
        """Returns when draining. Raises ConnectionLost, and IronflowError when the server refuses the projection."""
        try:
            while not self._registered and not self._draining.is_set():
                await self._until_draining(asyncio.sleep(SUPERSEDED_RETRY_S))
                await self.register()
            async with asyncio.TaskGroup() as holding:
                if self._projection.managed and not self._draining.is_set():
                    holding.create_task(self._lend())
                while not self._draining.is_set():
                    lease = await self._until_draining(self._acquire())
                    if lease is not None:
                        holding.create_task(self._hold(lease))
        except BaseExceptionGroup as group:
            error = first_of(group)
            if not isinstance(error, NotFound):
                raise error from None
            log.warning("%s was deleted: it is not folded here until this worker connects anew", self._projection.name)
            await self._draining.wait()
        except grpc.aio.AioRpcError as error:
            raise refusal(error) from None

    async def register(self) -> None:
        """Tell the server of the projection; `run` tries again if a newer version is registered. Raises AioRpcError."""
        projection = self._projection
        request = pb.RegisterProjectionRequest(
            name=projection.name,
            events=projection.events,
            partition_key=projection.partition_key,
            version=projection.version,
            mode=projection.mode,
            on_error=projection.on_error,
            description=projection.description,
            snapshot_every=projection.snapshot_every,
        )
        try:
            await self._call(self._service.RegisterProjection, request)
            self._registered = True
        except grpc.aio.AioRpcError as error:
            told: dict[str, Any] = dict(error.trailing_metadata() or ())  # type: ignore[arg-type]
            if told.get("ironflow-code") != "PROJECTION_SUPERSEDED":
                raise
            if not self._complained:
                log.warning("projection %s is not run here: %s", projection.name, error.details())
            self._complained = True

    async def _acquire(self) -> pb.AcquireProjectionLeaseResponse | None:
        request = pb.AcquireProjectionLeaseRequest(
            name=self._projection.name, version=self._projection.version, wait_ms=HOLD_MS
        )
        answer: pb.AcquireProjectionLeaseResponse = await self._call(
            self._service.AcquireProjectionLease, request, held=True
        )
        return answer if answer.granted else None

    async def _lend(self) -> None:
        """Fold what others ask for of the past, until draining. A server of before that does not ask."""
        request = self._offer()
        while not self._draining.is_set():
            call = self._call(self._service.LendProjectionReducer, request, held=True)
            try:
                asked: pb.LendProjectionReducerResponse | None = await self._until_draining(call)
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                    return
                raise
            request = self._offer()
            if asked is not None and asked.fold_id:
                request.fold_id = asked.fold_id
                try:
                    request.state_json = await self._in_thread(functools.partial(_past, self._projection, asked))
                except Exception as error:  # noqa: BLE001 - whatever the reducer raises is the answer
                    request.error = f"{type(error).__name__}: {error}"

    def _offer(self) -> pb.LendProjectionReducerRequest:
        return pb.LendProjectionReducerRequest(
            name=self._projection.name, version=self._projection.version, wait_ms=HOLD_MS
        )

    async def _hold(self, granted: pb.AcquireProjectionLeaseResponse) -> None:
        """Fold until the lease is lost or the worker drains. Raises AioRpcError when the server is away."""
        log.info("folding %s, generation %d", self._projection.name, granted.generation)
        work = asyncio.create_task(self._fold_on(granted))
        renewing = asyncio.create_task(self._renew(granted))
        try:
            done, _ = await asyncio.wait((work, renewing), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except _Lost:
            log.info("%s is folded elsewhere now", self._projection.name)
        finally:
            for task in (work, renewing):
                task.cancel()
            await asyncio.wait((work, renewing))
            await self._release(granted.lease)

    async def _fold_on(self, granted: pb.AcquireProjectionLeaseResponse) -> None:
        states = States()
        batch_size = BATCH if self._projection.managed else EXTERNAL_BATCH
        while not self._draining.is_set():
            request = pb.PollProjectionEventsRequest(
                name=self._projection.name,
                batch_size=batch_size,
                lease=granted.lease,
                wait_ms=HOLD_MS,
                accept_json=True,
            )
            polled = await self._until_draining(self._fenced(self._service.PollProjectionEvents, request, held=True))
            if polled is None or not polled.events:
                continue
            if self._projection.managed:
                await self._fold(granted, states, polled)
            else:
                await self._deliver(granted, polled)

    async def _fold(
        self, granted: pb.AcquireProjectionLeaseResponse, states: States, polled: pb.PollProjectionEventsResponse
    ) -> None:
        skipped: frozenset[int] = frozenset()
        events = await self._in_thread(lambda: [_event(one) for one in polled.events])
        await self._load(granted, states, states.missing(event.partition for event in events))
        while events:
            folded = functools.partial(folding.fold, self._projection, states, events, skipped)
            progress: Progress = await self._in_thread(folded)
            events = events[progress.done :]
            await self._save(granted, states, progress, polled.through if not events else 0)
            if progress.error is None:
                return
            if not await self._refused(granted, events[0], progress.error):
                return
            skipped = skipped | {events[0].position}

    async def _load(
        self, granted: pb.AcquireProjectionLeaseResponse, states: States, partitions: Sequence[str]
    ) -> None:
        async def one(partition: str) -> None:
            request = pb.GetProjectionRequest(
                name=self._projection.name, partition=partition, generation=granted.generation, accept_json=True
            )
            found = await self._fenced(self._service.GetProjection, request)
            if found.generation != granted.generation:
                raise _Lost
            states.put(partition, bytes(found.state_json) or None)

        for begin in range(0, len(partitions), LOADS_AT_ONCE):
            await asyncio.gather(*map(one, partitions[begin : begin + LOADS_AT_ONCE]))

    async def _save(
        self, granted: pb.AcquireProjectionLeaseResponse, states: States, progress: Progress, through: int
    ) -> None:
        """Write what was folded, all at once; nothing if nothing was."""
        if not progress.partitions:
            return
        last = max((one.last for one in progress.partitions.values()), key=lambda event: event.position)
        request = pb.SaveProjectionStateRequest(
            name=self._projection.name,
            lease=granted.lease,
            last_event_id=last.id,
            last_event_seq=last.position,
            through=through,
        )
        for partition, folded in progress.partitions.items():
            request.partitions.add(
                partition_key=partition,
                state_json=folded.state,
                last_event_id=folded.last.id,
                last_event_seq=folded.last.position,
                last_event_time=_timestamp(folded.last),
                events=folded.events,
            )
        await self._fenced(self._service.SaveProjectionState, request)
        for partition, folded in progress.partitions.items():
            states.put(partition, folded.state)
        states.trim()

    async def _deliver(
        self, granted: pb.AcquireProjectionLeaseResponse, polled: pb.PollProjectionEventsResponse
    ) -> None:
        """Give an external projection its events, one by one, and acknowledge those that it took."""
        taken: ProjectedEvent | None = None
        through = polled.through
        for event in map(_event, polled.events):
            error = await self._handle(event)
            if error is not None and not await self._refused(granted, event, error):
                through = 0
                break
            taken = event
            if self._draining.is_set():
                through = 0
                break
        if taken is not None:
            request = pb.AckProjectionEventsRequest(
                name=self._projection.name,
                last_event_id=taken.id,
                last_event_seq=taken.position,
                lease=granted.lease,
                through=through,
            )
            await self._fenced(self._service.AckProjectionEvents, request)

    async def _handle(self, event: ProjectedEvent) -> BaseException | None:
        """What the handler raised in the end, after several attempts."""
        function = self._projection.function
        failed: BaseException | None = None
        for attempt in range(HANDLER_ATTEMPTS):
            if attempt:
                await asyncio.sleep(HANDLER_RETRY_S * 2 ** (attempt - 1))
            try:
                if is_async(function):
                    await function(self._projection.read(event))
                else:
                    await self._in_thread(lambda: function(self._projection.read(event)))
            except Exception as error:
                log.warning("projection %s failed at event %s", self._projection.name, event.id, exc_info=error)
                failed = error
            else:
                return None
        return failed

    async def _refused(
        self, granted: pb.AcquireProjectionLeaseResponse, event: ProjectedEvent, error: BaseException
    ) -> bool:
        """Tell the server of an event that cannot be taken; whether to go on without it."""
        log.error("projection %s cannot take event %s: %s", self._projection.name, event.id, error)
        request = pb.ReportProjectionErrorRequest(
            name=self._projection.name,
            lease=granted.lease,
            event_id=event.id,
            event_seq=event.position,
            message=f"{type(error).__name__}: {error}",
        )
        answer: pb.ReportProjectionErrorResponse = await self._fenced(self._service.ReportProjectionError, request)
        return answer.skip

    async def _renew(self, granted: pb.AcquireProjectionLeaseResponse) -> None:
        ttl_s = granted.ttl.ToMilliseconds() / 1_000
        request = pb.RenewProjectionLeaseRequest(name=self._projection.name, lease=granted.lease)
        while True:
            await asyncio.sleep(ttl_s / 3)
            renewed = await self._fenced(self._service.RenewProjectionLease, request)
            ttl_s = renewed.ttl.ToMilliseconds() / 1_000 or ttl_s

    async def _release(self, lease: pb.ProjectionLease) -> None:
        """So that another runner need not wait until it is over; a server that is away has other worries."""
        request = pb.ReleaseProjectionLeaseRequest(name=self._projection.name, lease=lease)
        with contextlib.suppress(grpc.aio.AioRpcError):
            await self._call(self._service.ReleaseProjectionLease, request)

    async def _fenced(self, method: Any, request: Any, *, held: bool = False) -> Any:
        """The answer. Raises _Lost when the lease no longer counts, AioRpcError for all else."""
        try:
            return await self._call(method, request, held=held)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.ABORTED:
                raise _Lost from None
            raise

    async def _call(self, method: Any, request: Any, *, held: bool = False) -> Any:
        timeout_s = CALL_TIMEOUT_S + (HOLD_MS / 1_000 if held else 0)
        return await method(request, timeout=timeout_s, metadata=self._place.metadata())

    async def _until_draining(self, call: Any) -> Any:
        """The call's answer; None if the worker is to drain before it comes."""
        calling, draining = asyncio.ensure_future(call), asyncio.ensure_future(self._draining.wait())
        try:
            await asyncio.wait((calling, draining), return_when=asyncio.FIRST_COMPLETED)
            return calling.result() if calling.done() else None
        finally:
            for task in (calling, draining):
                task.cancel()
            await asyncio.wait((calling, draining))

    async def _in_thread(self, work: Any) -> Any:
        """What `work` returns, computed beside the event loop."""
        outcome = await asyncio.wrap_future(self._threads.submit(work))
        if outcome.error is not None:
            raise outcome.error
        return outcome.result


def _past(projection: Projection, asked: pb.LendProjectionReducerResponse) -> bytes:
    """The state after the events, all of one partition. Raises what the reducer raises, unless the event is skipped."""
    events = [_event(one) for one in asked.events]
    [partition] = {one.partition for one in events}
    states, skipped = States(), frozenset[int]()
    states.put(partition, bytes(asked.state_json) or None)
    while True:
        progress = folding.fold(projection, states, events, skipped)
        if progress.error is not None and not asked.skips:
            raise progress.error
        if progress.error is not None:
            skipped |= {events[progress.done].position}
            continue
        if progress.done == len(events):
            return progress.partitions[partition].state
        states.put(partition, progress.partitions[partition].state)  # of a state too large to be one step
        events = events[progress.done :]


def _event(message: pb.ProjectionEvent) -> ProjectedEvent:
    return ProjectedEvent(
        id=message.id,
        name=message.name,
        data=json.loads(message.data_json),
        timestamp=message.timestamp.ToDatetime(UTC),
        metadata=json.loads(message.metadata_json) if message.metadata_json else {},
        version=message.version,
        source=message.source,
        position=message.seq,
        partition=message.partition,
        entity=(message.entity_type, message.entity_id) if message.entity_type else None,
        entity_version=message.entity_version,
    )


def _timestamp(event: ProjectedEvent) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(event.timestamp)
    return made
