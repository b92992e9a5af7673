"""Who makes the answers of a gRPC stream is cancelled where it waits for one to be sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import grpc
import pytest

from app.rpc.sending import sent
from tests.support.bounds import WAIT_S


class Stuck:
    """A call whose client takes nothing."""

    def __init__(self) -> None:
        self.writing = asyncio.Event()

    async def send_initial_metadata(self, headers: object) -> None: ...

    async def write(self, message: object) -> None:
        self.writing.set()
        await asyncio.Event().wait()


async def cut(requests: Any, context: Any) -> AsyncGenerator[str, None]:
    try:
        yield "an answer"
    except asyncio.CancelledError:
        raise PermissionError("the key was revoked") from None


async def left(requests: Any, context: Any) -> AsyncGenerator[str, None]:
    try:
        yield "an answer"
    except asyncio.CancelledError:
        return


@pytest.mark.parametrize(("answers", "end"), [(cut, PermissionError), (left, asyncio.CancelledError)])
async def test_a_call_that_is_cut_while_it_sends_ends_as_its_maker_says(answers: Any, end: type[BaseException]) -> None:
    call = Stuck()
    sending = asyncio.ensure_future(sent(answers)(None, call))
    await call.writing.wait()

    sending.cancel()

    with pytest.raises(end):
        await sending


@pytest.mark.parametrize("before", [0, 1])
async def test_a_client_is_told_why_its_call_was_cut_while_an_answer_went_out(before: int) -> None:
    """The first answer, too, which the headers go with."""

    async def answers(request: bytes, context: Any) -> AsyncGenerator[bytes, None]:
        task = asyncio.current_task()
        assert task is not None
        try:
            for _ in range(before):
                yield b"an answer"
            asyncio.get_running_loop().call_soon(task.cancel)
            yield b"the answer that is going out"
        except asyncio.CancelledError:
            task.uncancel()
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "the key was revoked")

    server = grpc.aio.server()
    handlers = {"Method": grpc.unary_stream_rpc_method_handler(sent(answers))}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("a.Service", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            method = channel.unary_stream("/a.Service/Method", request_serializer=None, response_deserializer=None)
            call = method(b"", timeout=WAIT_S)
            with pytest.raises(grpc.aio.AioRpcError) as ended:
                _ = [answer async for answer in call]
    finally:
        await server.stop(0)

    assert (ended.value.code(), ended.value.details()) == (grpc.StatusCode.UNAUTHENTICATED, "the key was revoked")
