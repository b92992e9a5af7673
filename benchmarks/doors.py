"""`python -m benchmarks.doors FOLDER`: one node behind two doors, for benchmarks/access.py.

One asks nobody who they are, as with --dev, the other everybody. They share the process and all that is in it, since
two processes of the very same server differ by more than what is sought: where its objects lie makes up to a tenth of
what a request costs. Prints one line of JSON, and serves until it is killed.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path

import uvloop
from msgspec import Struct, convert, json

from app import boot, resources
from app.access.authoring import Author
from app.access.bootstrap import SYSTEM
from app.bus.bus import Bus
from app.clock import SystemClock
from app.faces import Faces
from app.history.kinds import PolicyDefinition
from app.ids import Ids
from app.metrics import Metrics
from app.node import Node
from app.settings import Settings
from app.values.buckets import Definition
from app.values.kv import Put
from storage import open_storage

POLICIES = 100
KEYS = 1_000
BUCKET = "carts"
VALUE = b'{"id":1,"customer":"c-42","items":[{"sku":"a-1","quantity":2}],"note":"about a hundred bytes of data"}'


class Doors(Struct, frozen=True):
    """Where they are, and the key that the second one lets in."""

    pid: int
    open_url: str
    guarded_url: str
    key: str


async def serve(folder: Path) -> None:
    clock = SystemClock()
    storage = await open_storage(str(folder / "ironflow.db"), resources.sql_folder())
    await storage.migrate()
    node = Node(storage=storage, clock=clock, ids=Ids(clock))
    async with asyncio.TaskGroup() as tasks:
        await node.start(tasks)
        key = await add_keys(node)
        await add_policies(node)
        await add_values(node)
        open_url, guarded_url = [await _listen(node, tasks, dev=dev) for dev in (True, False)]
        boot.settle()
        print(json.encode(Doors(os.getpid(), open_url, guarded_url, key)).decode(), flush=True)


async def add_keys(node: Node) -> str:
    """A developer's, which is told, and many others."""
    issued = await node.access.keys.create(SYSTEM, "bench", ["developer"])
    for number in range(KEYS):
        await node.access.keys.create(SYSTEM, f"other {number}", ["viewer"])
    return issued.secret


async def add_policies(node: Node) -> None:
    """On other buckets, half of them with conditions."""
    condition = "!('admin' in subject.roles) && resource.id.startsWith('x')"
    for number in range(POLICIES):
        told = {
            "name": f"p{number}",
            "actions": ["kv:*"],
            "resources": [f"kv/secret-{number}/*"],
            "condition": condition if number % 2 else "",
        }
        definition = convert(told, PolicyDefinition)
        await node.policies.create("default", definition, author=Author(SYSTEM, "default"))


async def add_values(node: Node) -> None:
    await node.keyspace.create_bucket("default", Definition(name=BUCKET))
    for number in range(KEYS):
        await node.keyspace.write("default", Put(BUCKET, f"key.{number}", VALUE))


async def _listen(node: Node, tasks: asyncio.TaskGroup, *, dev: bool) -> str:
    """Open a door; its URL."""
    listening = socket.create_server(("127.0.0.1", 0))
    settings = Settings(dev=dev, grpc_port=0)
    bus = Bus(
        server=None,
        url="",
        storage=node.storage,
        tail=node.tail,
        fold=node.fold,
        emitter=node.emitter,
        groups=node.groups,
        ids=node.ids,
        access=node.access,
        policies=node.policies,
        clock=node.clock,
        turn=node.nodes,
    )
    faces = Faces(node=node, bus=bus, settings=settings, metrics=Metrics(), problems={})
    await faces.start_grpc()
    gate = boot.Gate()
    gate.open(faces.http(), faces.connections.let_go)
    tasks.create_task(boot.HttpServer(gate, listening, settings).serve())
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


def main() -> None:
    sys.setswitchinterval(boot.SWITCH_INTERVAL_S)
    uvloop.run(serve(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
