"""A server that cannot start, and says why."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from app.boot import Gate
from app.faces import GrpcPortTaken
from app.history.live import Live
from app.server import Server
from app.settings import Settings
from storage.contract import Storage
from tests.support.bounds import within

START_TIMEOUT_S = 60.0
NOBODY = "nats://127.0.0.1:1"


async def forgetful(live: Live) -> None:
    """Goes on after one cancellation, as a task does whose `asyncio.wait_for` was cancelled when it was done."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.Event().wait()


async def test_a_start_that_fails_ends_loops_that_forget_a_cancellation(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Live, "run", forgetful)
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as listening:
        settings = Settings(grpc_port=taken.getsockname()[1], nats_url=NOBODY)
        server = Server(settings, tmp_path, listening, None, gate=Gate(), stop=asyncio.Event(), hurry=asyncio.Event())

        with pytest.raises(ExceptionGroup) as raised:
            async with within("the start to fail", START_TIMEOUT_S):
                await server.run(storage, lambda *told: pytest.fail("it cannot be ready"))

    assert raised.group_contains(GrpcPortTaken)
    assert "live" not in {task.get_name() for task in asyncio.all_tasks()}
