"""IronflowService's RedactEvent, RedactStep and RedactRun: Connect and gRPC both call them. As published they say no
reason; then it is that they came this way."""

from __future__ import annotations

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from app.api.caller import Caller
from app.api.services import Services
from app.rpc.methods import Method
from ironflow.v1 import ironflow_pb2 as pb

UNSAID = "asked for without a reason"


async def event(services: Services, caller: Caller, request: pb.RedactEventRequest) -> Empty:
    reason = request.reason or UNSAID
    await services.redactions.event(caller.environment, request.event_id, reason=reason, actor=caller.actor)
    return Empty()


async def step(services: Services, caller: Caller, request: pb.RedactStepRequest) -> Empty:
    reason = request.reason or UNSAID
    await services.redactions.step(caller.environment, request.step_id, reason=reason, actor=caller.actor)
    return Empty()


async def run(services: Services, caller: Caller, request: pb.RedactRunRequest) -> Empty:
    reason = request.reason or UNSAID
    await services.redactions.run(caller.environment, request.run_id, reason=reason, actor=caller.actor)
    return Empty()


METHODS: dict[str, tuple[type[Message], Method]] = {
    "RedactEvent": (pb.RedactEventRequest, event),
    "RedactStep": (pb.RedactStepRequest, step),
    "RedactRun": (pb.RedactRunRequest, run),
}
