"""The terminal debugger over a server: what it changes is changed there, and what happens there is seen at once."""

from __future__ import annotations

import asyncio

from app.debugger.sources import ServerChanges, ServerSource
from app.debugger.tui.app import Inspector
from app.debugger.tui.happenings import of_server
from ironflow import Client
from tests.tui.conftest import quick, screen, settled
from tests.tui.test_changing import edited

__all__ = ["quick"]


async def test_a_failed_run_is_patched_on_a_server(client: Client, failed: str) -> None:
    app = Inspector(ServerSource(client), ServerChanges(client), failed, client=client)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("C")
        await settled(pilot)
        await edited(pilot, '{"paid": true}', "the gateway was down", "only")
        await app.workers.wait_for_complete([one for one in app.workers if one.group == "default"])
        await settled(pilot)
        kinds = [record.kind for record in screen(app).thread.recording.records]
    assert kinds[-1] == "step.patched"
    assert client.runs.state(failed).step("charge").output == {"paid": True}


async def test_what_others_do_to_a_followed_run_is_seen(client: Client, failed: str) -> None:
    app = Inspector(ServerSource(client), None, failed, following=True, happenings=of_server(client.awaited))
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        client.runs.patch(failed, step="charge", output=50, reason="paid by hand")
        async with asyncio.timeout(20):
            while screen(app).thread.record.kind != "step.patched":
                await pilot.pause()
