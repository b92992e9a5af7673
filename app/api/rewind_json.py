"""Patches and injections as Connect JSON: outputs stay byte for byte. See connect_json.

Bytes are base64 by protobuf's rules. Some published clients send the JSON text itself, so `newOutput` is taken as
base64 of JSON if it is that, else as the JSON that it says.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from app.api.answers import decoded
from app.api.caller import Caller
from app.api.connect_json import ABSENT, Method, Text, step_shown
from app.api.services import Services
from app.history.kinds import NULL
from app.rpc import rewind


class PatchBody(msgspec.Struct, rename="camel"):
    """PatchStepRequest."""

    step_id: Text = None
    step_id_snake: Text = msgspec.field(default=None, name="step_id")
    output: msgspec.Raw = NULL
    output_value: msgspec.Raw = ABSENT
    output_value_snake: msgspec.Raw = msgspec.field(default=ABSENT, name="output_value")
    reason: Text = None


class InjectBody(msgspec.Struct, rename="camel"):
    """InjectStepOutputRequest."""

    run_id: Text = None
    run_id_snake: Text = msgspec.field(default=None, name="run_id")
    step_id: Text = None
    step_id_snake: Text = msgspec.field(default=None, name="step_id")
    new_output: msgspec.Raw = NULL
    new_output_snake: msgspec.Raw = msgspec.field(default=ABSENT, name="new_output")
    reason: Text = None


_patch = msgspec.json.Decoder(PatchBody)
_inject = msgspec.json.Decoder(InjectBody)


async def patch_step(services: Services, caller: Caller, body: bytes) -> Any:
    request: PatchBody = decoded(_patch, body)
    output = bytes(request.output_value) or bytes(request.output_value_snake) or bytes(request.output)
    step_id = request.step_id or request.step_id_snake or ""
    corrected = await rewind.patched(services, caller, step_id, msgspec.Raw(output), request.reason or "")
    assert corrected.step is not None, "the run was not resumed"
    return step_shown(corrected.run.state.id, corrected.step)


async def inject_step_output(services: Services, caller: Caller, body: bytes) -> Any:
    request: InjectBody = decoded(_inject, body)
    corrected = await rewind.injected(
        services,
        caller,
        request.run_id or request.run_id_snake or "",
        request.step_id or request.step_id_snake or "",
        meant(bytes(request.new_output_snake) or bytes(request.new_output)),
        request.reason or "",
    )
    assert corrected.step is not None, "the run was not resumed"
    told: dict[str, Any] = {"stepId": corrected.step.step_id, "previousOutput": ""}
    if corrected.previous is not None:
        told["previousOutput"] = base64.b64encode(bytes(corrected.previous)).decode()
    return told


def meant(raw: bytes) -> bytes:
    """The JSON that is meant by what came for a field of bytes."""
    value = msgspec.json.decode(raw)
    if not isinstance(value, str):
        return raw
    try:
        text = base64.b64decode(value, validate=True)
        if text:
            msgspec.json.decode(text)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return value.encode()
    return text or b"null"


METHODS: dict[tuple[str, str], Method] = {
    ("IronflowService", "PatchStep"): patch_step,
    ("IronflowService", "InjectStepOutput"): inject_step_output,
}
