"""Values through the SDK's clients, against a real server: key-values, documents, secrets, and watching them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from ironflow import AsyncClient, Client
from ironflow.errors import Conflict, InvalidArgument, NotFound, PayloadTooLarge
from ironflow.live import Frames
from tests.support.server import ServerProcess


@pytest.fixture
def client(server: ServerProcess, environment: str) -> Iterator[Client]:
    with Client(server.url, environment=environment) as made:
        made.kv.create_bucket("b", history=10)
        yield made


def test_key_values(client: Client) -> None:
    kv = client.kv

    assert kv.put("b", "user.1", {"name": "ü", "n": 1}) == 1
    entry = kv.get("b", "user.1")
    assert (entry.value, entry.revision, entry.operation) == ({"name": "ü", "n": 1}, 1, "put")
    assert kv.cas("b", "user.1", [2], revision=1) == 2
    assert kv.create("b", "user.2", b"\xff\x00") == 1
    assert kv.get("b", "user.2").value == b"\xff\x00"
    assert kv.get("b", "user.1", at=entry.position).revision == 1
    assert kv.get("b", "user.1", at=datetime.fromisoformat(entry.created_at)).revision == 1
    assert kv.get("b", "user.1", at="0s").revision == 2
    for refused in (
        lambda: kv.cas("b", "user.1", 3, revision=1),
        lambda: kv.create("b", "user.1", 3),
        lambda: kv.delete("b", "user.1", revision=1),
        lambda: kv.create_bucket("b"),
    ):
        with pytest.raises(Conflict):
            refused()
    assert kv.incr("b", "n", 5) == 5
    assert kv.incr("b", "n") == 6
    assert kv.keys("b", "user.*").items == ["user.1", "user.2"]
    first = kv.keys("b", limit=2)
    assert [*first.items, *kv.keys("b", cursor=first.next_cursor).items] == ["n", "user.1", "user.2"]
    kv.delete("b", "user.1")
    kv.delete("b", "user.1")
    assert [(one.revision, one.operation, one.value) for one in kv.history("b", "user.1")] == [
        (3, "delete", None),
        (2, "put", [2]),
        (1, "put", {"name": "ü", "n": 1}),
    ]
    assert kv.bucket("b")["values"] == 2
    kv.delete("b", "user.2", purge=True)
    assert [one.operation for one in kv.history("b", "user.2")] == ["purge"]
    with pytest.raises(NotFound):
        kv.get("b", "user.1")
    kv.delete_bucket("b")
    assert list(kv.buckets()) == []


def test_time_to_live_and_limits(client: Client) -> None:
    made = client.kv.create_bucket("short", ttl="1m", max_value_size=10)

    assert (made["ttl_seconds"], made["max_value_size"]) == (60, 10)
    client.kv.put("short", "k", 1)
    assert client.kv.get("short", "k").expires_at
    client.kv.put("b", "k2", 1, ttl="500s")
    assert client.kv.get("b", "k2").expires_at
    with pytest.raises(PayloadTooLarge):
        client.kv.put("short", "k", "x" * 20)
    with pytest.raises(InvalidArgument):
        client.kv.put("b", "k", {1, 2})
    for ttl in ("10ms", "soon", True):
        with pytest.raises(InvalidArgument):
            client.kv.create_bucket("shorter", ttl=ttl)


def test_documents(client: Client) -> None:
    config = client.config

    assert config.set("limits", {"a": 1, "b": 2}) == 1
    assert config.patch("limits", {"b": 3}, revision=1) == 2
    with pytest.raises(Conflict):
        config.set("limits", {}, revision=0)
    assert config.get("limits")["data"] == {"a": 1, "b": 3}
    assert config.get("limits", revision=1)["data"] == {"a": 1, "b": 2}
    assert config.diff("limits")["changes"] == [{"op": "replace", "path": "/b", "before": 2, "after": 3}]
    assert config.restore("limits", 1) == 3
    assert [one["operation"] for one in config.history("limits")] == ["restore", "patch", "set"]
    assert [one["name"] for one in config.list()] == ["limits"]
    config.delete("limits")
    assert list(config.list()) == []
    watched = config.watch("limits", after=0)
    assert [one["revision"] for one in itertools.islice(watched, 4)] == [1, 2, 3, 4]


def test_secrets(client: Client) -> None:
    secrets = client.secrets

    assert secrets.set("KEY", "hunter22", description="d")["revision"] == 1
    assert secrets.set("KEY", "hunter33") == {**secrets.get("KEY"), "description": "d", "revision": 2}
    assert secrets.rename("KEY", "NEW")["name"] == "NEW"
    assert secrets.describe("NEW", "other")["description"] == "other"
    assert [one["name"] for one in secrets.list()] == ["NEW"]
    assert secrets.rotate_key()["environments"] >= 1
    secrets.delete("NEW")
    with pytest.raises(NotFound):
        secrets.get("NEW")


def test_a_watch_goes_on_over_a_restart_of_the_server(server: ServerProcess, client: Client) -> None:
    client.kv.put("b", "k", 1)
    start = client.kv.get("b", "k").position
    seen = client.kv.watch("b", "k", after=start)
    client.kv.put("b", "k", 2)
    assert next(seen).value == 2

    server.kill9()
    server.restart()
    client.kv.put("b", "other", 0)
    client.kv.put("b", "k", 3)
    client.kv.delete("b", "k")

    assert [(one.revision, one.operation, one.value) for one in itertools.islice(seen, 2)] == [
        (3, "put", 3),
        (4, "delete", None),
    ]


def test_a_watch_of_nothing_is_refused(client: Client) -> None:
    with pytest.raises(NotFound):
        next(client.kv.watch("nope"))


async def test_the_awaited_client_does_the_same(server: ServerProcess, environment: str) -> None:
    async with AsyncClient(server.url, environment=environment) as client:
        await client.kv.create_bucket("b")
        await client.kv.put("b", "k", 1)

        async def two() -> list[Any]:
            found = []
            async for entry in client.kv.watch("b", after=0):
                found.append(entry.value)
                if len(found) == 2:
                    break
            return found

        watching = asyncio.create_task(two())
        assert await client.kv.incr("b", "k") == 2
        assert await asyncio.wait_for(watching, 20) == [1, 2]
        assert await client.config.set("c", {"a": 1}) == 1
        assert (await client.secrets.set("KEY", "value"))["revision"] == 1
        with pytest.raises(NotFound):
            await anext(aiter(client.kv.watch("nope")))


def test_frames_are_put_together_from_lines() -> None:
    frames = Frames()
    lines = [": following", "id: 7", "", "id: 8", 'data: {"a":', "data: 1}", "", "id: 9", ""]

    assert [found for line in lines if (found := frames.line(line)) is not None] == [{"a": 1}]
    assert frames.position == 9
