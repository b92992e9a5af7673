"""ProjectionService's streams as messages: events for a runner, and how far a wait is. gRPC and Connect both use it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from app.api.caller import Caller
from app.api.services import Services
from app.errors import InvalidArgument, ProjectionStopped
from app.projections.definition import GLOBAL
from app.projections.waits import TIMEOUT_S, Caught
from app.rpc import convert, projection_runners
from ironflow.v1 import projection_pb2 as pb

HEARTBEAT_S = 15.0


async def events(
    services: Services, caller: Caller, request: pb.StreamProjectionEventsRequest
) -> AsyncGenerator[Sequence[pb.ProjectionEvent], None]:
    """Batches of the events after the cursor, as they come; with heartbeats, if the runner takes them. Raises as
    Projections.stream does, InvalidArgument, FailedPrecondition for a projection that no runner folds."""
    projection_runners.check_runnable(services, caller, request.name)
    if request.partition not in ("", GLOBAL):
        raise InvalidArgument(
            "events are streamed of all partitions, for the cursor is of all", field="partition", hint="leave it out"
        )
    heartbeat = [pb.ProjectionEvent(kind=pb.PROJECTION_EVENT_KIND_HEARTBEAT)] if request.accept_heartbeats else []
    batches = services.projections.stream(
        caller.environment,
        request.name,
        projection_runners.fence_of(request),
        limit=projection_runners.batch_size(request.batch_size),
        beat_s=HEARTBEAT_S,
    )
    async with aclosing(batches):
        async for batch in batches:
            yield [projection_runners.event(one, as_json=False) for one in batch] or heartbeat


async def catch_up(
    services: Services, caller: Caller, request: pb.WaitProjectionCatchupRequest
) -> AsyncGenerator[Sequence[pb.WaitProjectionCatchupStreamResponse], None]:
    """How far a projection has come towards a position; the last message says DONE. Raises ProjectionNotFound,
    InvalidArgument."""
    told = -1
    found = services.projections.waits.follow(
        caller.environment,
        request.name,
        request.min_seq,
        timeout_s=convert.seconds(request, "timeout", TIMEOUT_S),
        beat_s=HEARTBEAT_S,
    )
    async with aclosing(found):
        try:
            async for caught in found:
                kind = pb.WAIT_STREAM_FRAME_KIND_PROGRESS
                if caught.over:
                    kind = pb.WAIT_STREAM_FRAME_KIND_DONE
                elif caught.current == told:
                    kind = pb.WAIT_STREAM_FRAME_KIND_HEARTBEAT
                told = caught.current
                yield [_frame(kind, caught)]
        except ProjectionStopped as stopped:
            yield [pb.WaitProjectionCatchupStreamResponse(kind=pb.WAIT_STREAM_FRAME_KIND_DONE, error=str(stopped))]


def _frame(kind: pb.WaitStreamFrameKind, caught: Caught) -> pb.WaitProjectionCatchupStreamResponse:
    return pb.WaitProjectionCatchupStreamResponse(
        kind=kind,
        current_seq=caught.current,
        target_seq=caught.target,
        behind_by_events=caught.behind,
        caught_up=caught.caught_up,
        timed_out=caught.timed_out,
        mode=caught.mode,
    )
