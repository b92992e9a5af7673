"""What IronflowService offers to hold a run and to correct its past. Wire facts §7."""

from __future__ import annotations

from typing import Any

import msgspec

from app.api.caller import Caller
from app.api.services import Services
from app.errors import FailedPrecondition
from app.rpc import convert
from app.runs.asking import Request
from app.runs.rewind import Corrected, Wish
from ironflow.v1 import ironflow_pb2, types_pb2

INJECTION = "injection"
"""The reason for which a run is held that is paused this way, as published."""


async def pause_run(
    services: Services, caller: Caller, request: ironflow_pb2.PauseRunRequest
) -> ironflow_pb2.PauseRunResponse:
    paused = await services.engine.pause(caller.environment, request.run_id, reason=INJECTION, actor=caller.actor)
    return ironflow_pb2.PauseRunResponse(status="paused" if paused else "pause_requested")


async def get_paused_state(
    services: Services, caller: Caller, request: ironflow_pb2.GetPausedStateRequest
) -> ironflow_pb2.GetPausedStateResponse:
    record = await services.runs.get(caller.environment, request.run_id)
    if record.state.status != "paused":
        raise FailedPrecondition(f"{request.run_id} is {record.state.status}, not paused")
    return ironflow_pb2.GetPausedStateResponse(
        steps=[convert.paused_step(step) for step in record.steps.values()],
        pause_reason=record.state.pause_reason,
        next_step_hint=await services.rewind.next_step(caller.environment, record),
    )


async def patch_step(services: Services, caller: Caller, request: ironflow_pb2.PatchStepRequest) -> types_pb2.Step:
    output = msgspec.Raw(convert.payload(request, "output"))
    corrected = await patched(services, caller, request.step_id, output, request.reason)
    assert corrected.step is not None, "the run was not resumed"
    return convert.step(corrected.run.state.id, corrected.step)


async def inject_step_output(
    services: Services, caller: Caller, request: ironflow_pb2.InjectStepOutputRequest
) -> ironflow_pb2.InjectStepOutputResponse:
    corrected = await injected(
        services, caller, request.run_id, request.step_id, request.new_output or b"null", request.reason
    )
    assert corrected.step is not None, "the run was not resumed"
    return ironflow_pb2.InjectStepOutputResponse(
        step_id=corrected.step.step_id, previous_output=bytes(corrected.previous or b"")
    )


async def patched(services: Services, caller: Caller, step_id: str, output: msgspec.Raw, reason: str) -> Corrected:
    """The run is told by the step's id, which begins with it."""
    run_id = step_id.partition(":")[0]
    caller.about(f"run/{run_id}")
    wish = Wish("patch", step_id, output)
    return await services.rewind.correct(caller.environment, run_id, wish, Request(reason, caller.actor))


async def injected(
    services: Services, caller: Caller, run_id: str, step_id: str, output: bytes, reason: str
) -> Corrected:
    wish = Wish("inject", step_id, msgspec.Raw(output))
    return await services.rewind.correct(caller.environment, run_id, wish, Request(reason, caller.actor))


METHODS: dict[str, tuple[type[Any], Any]] = {
    "PauseRun": (ironflow_pb2.PauseRunRequest, pause_run),
    "GetPausedState": (ironflow_pb2.GetPausedStateRequest, get_paused_state),
    "PatchStep": (ironflow_pb2.PatchStepRequest, patch_step),
    "InjectStepOutput": (ironflow_pb2.InjectStepOutputRequest, inject_step_output),
}
