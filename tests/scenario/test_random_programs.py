"""Random programs over every kind of step, on a real server: on each store, in place and replayed each time, while
workers come and go. What they return must be what the model says, and their steps those of the others."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ironflow import Context, function
from ironflow.testing import Server
from tests.support.postgres import Cluster
from tests.support.programs import agrees, drawn, follow, model
from tests.support.server import ServerProcess

PROGRAMS = 60
UNIT_S = 0.02


@pytest.mark.slow
@pytest.mark.parametrize("replayed", [False, True], ids=["in place", "replayed"])
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
async def test_random_programs_do_what_the_model_says(
    store: str, replayed: bool, tmp_path: Path, request: pytest.FixtureRequest, seed: int
) -> None:
    database_url = None
    if store == "postgres":
        cluster: Cluster = request.getfixturevalue("postgres")
        database_url = cluster.create_database()
    programs = drawn(PROGRAMS, seed=seed)

    @function("child")
    async def child(ctx: Context) -> Any:
        return ctx.event.data

    @function("other")
    def other(ctx: Any) -> Any:
        return ctx.step.run("s", lambda: ctx.event.data)

    @function("program", triggers=["program.go"])
    async def program(ctx: Context) -> Any:
        return await follow(ctx, programs[ctx.event.data], unit_s=UNIT_S)

    arguments = ["--always-replay"] if replayed else []
    process = ServerProcess(data_dir=tmp_path / "data", database_url=database_url, arguments=arguments)
    process.start()
    try:
        server = Server(process.url, process.grpc_address, process.data_dir)
        functions = [program, child, other]
        # Two workers; the second one leaves in the middle, and its runs go on with the first.
        async with server.working(functions) as client:
            async with server.working(functions) as second:
                runs = []
                for number in range(len(programs)):
                    emitted = await second.emit("program.go", number)
                    runs += emitted.run_ids
                    if number % 10 == 0:
                        await second.emit("e.one")
                        await second.emit("e.two")
            ended = await asyncio.gather(*(client.runs.wait(run_id, timeout_s=60) for run_id in runs))
    finally:
        process.close()
        if database_url is not None:
            cluster.drop_database(database_url)

    assert [run["status"] for run in ended] == ["completed"] * len(programs)
    for number, run in enumerate(ended):
        assert agrees(run["output"], model(programs[number])), programs[number]
