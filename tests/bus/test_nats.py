"""Our nats-server and the publisher: disposable, never ahead of history, never twice."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import nats
import pytest

from app.bus import publisher as publisher_module
from app.bus import subjects
from app.bus.nats_server import NatsServer
from app.bus.place import Place
from app.bus.publisher import STREAM, Publisher
from app.entities.streams import Append
from app.events.new_event import NewEvent
from app.history.entry import Entry
from app.history.kinds import EventEmitted, HistoryRedacted
from app.node import Node
from app.projections.redactions import Redactions
from storage.records import EntryRecord
from tests.support.bounds import stop
from tests.support.canary import holding


async def emit(node: Node, count: int, name: str = "order.placed") -> None:
    await node.emitter.emit_batch([NewEvent("default", name, b"%d" % n) for n in range(count)])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - another process acts, and has nothing to signal with
            await asyncio.sleep(0.01)


async def connect(server: NatsServer) -> Any:
    return await nats.connect(await server.ready(), user=server.user, password=server.password, connect_timeout=5)


async def published(server: NatsServer) -> list[int]:
    """Positions of every message in the stream, in order."""
    client = await connect(server)
    stream = client.jetstream()
    state = (await stream.stream_info(STREAM)).state
    messages = [await stream.get_msg(STREAM, seq) for seq in range(state.first_seq, state.last_seq + 1)]
    await client.close()
    return [int(message.headers["Nats-Msg-Id"]) for message in messages]


async def test_history_is_published_once_and_in_order(node: Node, server: NatsServer) -> None:
    await emit(node, 30)
    async with asyncio.timeout(30):
        publishing = asyncio.create_task(Publisher(node.tail, place=Place(server=server)).run())
        client = await connect(server)
        await until(lambda: not publishing.done())
        received = await _durably(client, "ironflow.default.events.order.>", 30)
        await stop(publishing)
        await client.close()

    assert [message["position"] for message in received] == list(range(1, 31))
    assert [message["data"]["data"] for message in received] == list(range(30))


async def _durably(client: Any, subject: str, count: int) -> list[dict[str, Any]]:
    """What a stock client of JetStream gets."""
    stream = client.jetstream()
    while True:
        try:
            subscription = await stream.pull_subscribe(subject, durable="test", stream=STREAM)
            break
        except nats.js.errors.NotFoundError:
            await asyncio.sleep(0.02)
    found: list[dict[str, Any]] = []
    while len(found) < count:
        for message in await subscription.fetch(count, timeout=10):
            found.append(msgspec.json.decode(message.data))
            await message.ack()
    return found


async def test_it_is_started_again_on_its_port_and_nothing_is_missing_or_twice(node: Node, server: NatsServer) -> None:
    publisher = Publisher(node.tail, place=Place(server=server))
    publishing = asyncio.create_task(publisher.run())
    await emit(node, 20)
    await until(lambda: publisher.position == 20)
    url, first = await server.ready(), server.pid

    os.kill(first, signal.SIGKILL)
    await emit(node, 20)
    await until(lambda: server.pid != first and publisher.position == 40)

    assert await server.ready() == url
    assert server.restarts == 1
    assert await published(server) == list(range(1, 41))
    await stop(publishing)


async def test_a_connection_that_broke_before_all_was_written_is_made_anew(server: NatsServer) -> None:
    """nats-py does not say that it is closed then. The server has not read all that it got, so that it does not end the
    connection in order."""
    used: list[Any] = []
    again = asyncio.Event()

    async def use(client: Any, closed: asyncio.Event) -> None:
        used.append(client)
        if len(used) == 1:
            os.kill(server.pid, signal.SIGSTOP)
            await client.publish("nowhere", b"x")
            await until(lambda: client._pending_data_size == 0)
            await client._send_command(b"PING\r\n")
            os.kill(server.pid, signal.SIGKILL)
        else:
            again.set()
        await closed.wait()

    async with asyncio.timeout(30):
        staying = asyncio.create_task(Place(server=server).stay_connected(use))
        await again.wait()
        await stop(staying)


async def test_a_publisher_that_starts_again_goes_on_where_the_stream_ends(node: Node, server: NatsServer) -> None:
    for expected in (10, 20, 30):
        publisher = Publisher(node.tail, place=Place(server=server))
        publishing = asyncio.create_task(publisher.run())
        await emit(node, 10)
        await until(lambda publisher=publisher, expected=expected: publisher.position == expected)  # type: ignore[misc]
        await stop(publishing)

    assert await published(server) == list(range(1, 31))


async def test_what_the_stream_has_forgotten_is_not_published_again(node: Node, server: NatsServer) -> None:
    for expected in (10, 20):
        publisher = Publisher(node.tail, place=Place(server=server))
        publishing = asyncio.create_task(publisher.run())
        await emit(node, 10)
        await until(lambda publisher=publisher, expected=expected: publisher.position == expected)  # type: ignore[misc]
        await stop(publishing)
        if expected == 10:
            client = await connect(server)
            await client.jetstream().purge_stream(STREAM)  # as age does
            await client.close()

    assert await published(server) == list(range(11, 21))


async def test_a_wiped_directory_is_filled_again_from_history(node: Node, server: NatsServer, tmp_path: Path) -> None:
    publisher = Publisher(node.tail, place=Place(server=server))
    publishing = asyncio.create_task(publisher.run())
    await emit(node, 10)
    await until(lambda: publisher.position == 10)

    shutil.rmtree(tmp_path / "nats" / "js")
    os.kill(server.pid, signal.SIGKILL)
    await until(lambda: server.restarts == 1)
    await emit(node, 5)
    await until(lambda: publisher.position == 15)

    assert await published(server) == list(range(1, 16))
    await stop(publishing)


@pytest.mark.parametrize("interrupted", [False, True])
async def test_messages_of_a_purged_entity_are_removed(
    node: Node, server: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupted: bool
) -> None:
    """Also if the publisher was interrupted between sending the redaction and purging for it."""
    purged, kept = (f"ironflow.default.entities.customer.a%2E{n}.moved" for n in (1, 2))
    publisher = Publisher(node.tail, place=Place(server=server))
    for id, data in (("a.1", b'"Elm Street"'), ("a.2", b'"Oak Street"')):
        await node.streams.append("default", [Append("customer", id, (NewEvent("default", "moved", data),))])
    if interrupted:

        async def interrupt(stream: Any, sent: Any, ahead: int) -> None:
            if any(entry.kind == HistoryRedacted.kind for entry in sent):
                monkeypatch.undo()
                raise TimeoutError("NATS has gone")

        monkeypatch.setattr(publisher_module, "_purge", interrupt)
    publishing = asyncio.create_task(publisher.run())
    await until(lambda: publisher.position == 2)
    client = await connect(server)
    stream = client.jetstream()
    assert {purged, kept} <= await subjects_of(stream)

    await node.streams.delete("default", "customer", "a.1", purge=True)
    async with asyncio.timeout(20):
        while purged in await subjects_of(stream):  # noqa: ASYNC110 - another process acts, and has nothing to signal with
            await asyncio.sleep(0.01)

    await emit(node, 1)
    await until(lambda: publisher.position == 5)
    positions = [(await stream.get_msg(STREAM, seq)).headers["Nats-Msg-Id"] for seq in (2, 3, 4, 5)]
    assert positions == ["2", "3", "4", "5"]
    assert kept in await subjects_of(stream)
    assert purged not in await subjects_of(stream)
    await until(lambda: bool(holding(tmp_path / "nats", "Oak Street")))
    assert holding(tmp_path / "nats", "Elm Street") == []
    await stop(publishing)
    await client.close()


async def test_the_message_of_a_redacted_event_is_removed_and_no_other(node: Node, server: NatsServer) -> None:
    publisher = Publisher(node.tail, place=Place(server=server))
    publishing = asyncio.create_task(publisher.run())
    [secret, _] = [await node.emitter.emit(NewEvent("default", "moved", data)) for data in (b'"Elm"', b'"Oak"')]
    redactions = Redactions(storage=node.storage, committer=node.committer, projections=node.projections, ids=node.ids)
    await redactions.event("default", secret.event_id, reason="asked to")
    await until(lambda: publisher.position == 3)
    client = await connect(server)
    stream = client.jetstream()

    async with asyncio.timeout(20):
        while (await stream.stream_info(STREAM)).state.messages != 2:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)

    assert [(await stream.get_msg(STREAM, seq)).headers["Nats-Msg-Id"] for seq in (2, 3)] == ["2", "3"]
    await stop(publishing)
    await client.close()


async def subjects_of(stream: Any) -> set[str]:
    """Of the messages that JetStream has."""
    info = await stream.stream_info(STREAM, subjects_filter=">")
    return set(info.state.subjects or ())


async def test_strangers_are_refused_and_no_secret_is_on_disk(server: NatsServer, tmp_path: Path) -> None:
    url = await server.ready()

    with pytest.raises(nats.errors.Error):
        await nats.connect(url, connect_timeout=2, allow_reconnect=False)
    assert holding(tmp_path / "nats", server.password) == []
    assert server.password not in Path(f"/proc/{server.pid}/cmdline").read_text()  # noqa: ASYNC240
    [ports] = (tmp_path / "nats").glob("*.ports")
    opened = {kind: listed for kind, listed in json.loads(ports.read_text()).items() if listed}
    assert list(opened) == ["nats"]  # no port that tells strangers how it is
    assert all(one.startswith("nats://127.0.0.1:") for one in opened["nats"])


def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from app import resources; from app.bus.nats_server import spawn\n"
        f"print(spawn(resources.nats_server(), Path({str(tmp_path / 'nats')!r})).pid, flush=True)\n"
        "sys.stdin.read()"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = os.pidfd_open(int(parent.stdout.readline()))

    parent.kill()
    parent.wait()

    import select

    assert select.select([child], [], [], 10)[0], "nats-server outlived its parent"
    os.close(child)


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("run_01", "run_01"),
        ("a b", "a%20b"),
        ("a.b", "a%2Eb"),
        ("*", "%2A"),
        (">", "%3E"),
        ("ü", "%C3%BC"),
        ("%", "%25"),
    ],
)
def test_a_token_holds_nothing_that_a_subject_cannot(text: str, token: str) -> None:
    assert subjects.token(text) == token


def test_an_event_of_an_entity_goes_out_under_its_entity() -> None:
    fact = EventEmitted(id="evt_1", name="order.placed", data=msgspec.Raw(b"1"))
    record = EntryRecord(1, "default", "entity/order/a.1", 1, fact.kind, "{}", "{}", "", "", "", 0, b"")

    assert subjects.of(Entry(record, fact)) == "ironflow.default.entities.order.a%2E1.order.placed"
    own = record._replace(stream="event/evt_1")
    assert subjects.of(Entry(own, fact)) == "ironflow.default.events.order.placed"


@pytest.mark.parametrize(
    ("url", "copies"), [("nats://a", 1), ("nats://a,nats://b", 1), ("nats://a,nats://b,nats://c", 3)]
)
def test_of_three_servers_each_has_a_copy(url: str, copies: int) -> None:
    assert Place(server=None, url=url).copies == copies
