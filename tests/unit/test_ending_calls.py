"""A gRPC call that is cut off: by its caller, or by the server that stops."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from app.api.caller import Caller
from app.api.proxies import Proxies
from app.events.invoke import CALLER_LEFT
from app.rpc.ironflow_service import IronflowService
from ironflow.v1 import ironflow_pb2

WAIT_S = 30


class Invoker:
    """Waits for a run that never ends, and keeps what it was cancelled with."""

    def __init__(self) -> None:
        self.waits = asyncio.Event()
        self.cancelled_with: tuple[Any, ...] | None = None

    async def invoke_and_wait(self, *_: Any, **__: Any) -> None:
        self.waits.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            self.cancelled_with = error.args
            raise


@pytest.mark.parametrize(("stops", "told"), [(False, (CALLER_LEFT,)), (True, ())])
async def test_the_method_is_told_whether_its_caller_left(stops: bool, told: tuple[str, ...]) -> None:
    invoker = Invoker()
    door = SimpleNamespace(admit_call=lambda *_, **__: Caller("default"), proxies=Proxies())
    services: Any = SimpleNamespace(invoker=invoker, door=door)
    service: Any = IronflowService(services, stops=lambda: stops)
    context = SimpleNamespace(invocation_metadata=lambda: (), peer=lambda: "ipv4:127.0.0.1:5")
    request = ironflow_pb2.InvokeFunctionSyncRequest(function_id="f")

    call = asyncio.ensure_future(service.InvokeFunctionSync(request, context))
    async with asyncio.timeout(WAIT_S):
        await invoker.waits.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert invoker.cancelled_with == told
