"""Who may do what through the SDK's clients, and a worker that lives on a key, against a server that asks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from ironflow import AsyncClient, Client, Worker, function
from ironflow.errors import Conflict, IronflowError, NotFound, PermissionDenied, Unauthenticated
from tests.support.server import ServerProcess


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    made = ServerProcess(data_dir=tmp_path_factory.mktemp("access") / "data", guarded=True)
    made.start()
    yield made
    made.close()


@pytest.fixture
def root(guarded: ServerProcess) -> Iterator[Client]:
    with Client(guarded.url, api_key=guarded.key) as made:
        yield made


def test_keys_and_roles(guarded: ServerProcess, root: Client) -> None:
    role = root.roles.create("emitter", ["events:emit"])
    made = root.apikeys.create("ci", roles=["emitter"], environment="staging")

    with Client(guarded.url, api_key=made["key"]) as ci:
        ci.emit("order.placed", {})
        assert (ci.me()["permissions"], ci.me()["environment_id"]) == (["events:emit"], "staging")
        with pytest.raises(PermissionDenied):
            ci.runs.list()
        root.roles.update("emitter", permissions=["events:emit", "runs:read"])
        assert ci.runs.list().items == []
        rotated = root.apikeys.rotate(made["id"], overlap_s=60)
        assert ci.me()["id"] == made["id"]
        root.apikeys.replace_roles(made["id"], ["viewer"])
        root.roles.delete(role["id"])
        root.apikeys.revoke(made["id"], reason="done")
        with pytest.raises(Unauthenticated):
            ci.me()
    assert rotated["key"] != made["key"]
    with pytest.raises(NotFound):
        root.apikeys.get(made["id"])


async def test_users_and_tenants(guarded: ServerProcess) -> None:
    async with AsyncClient(guarded.url, api_key=guarded.key) as root:
        user = await root.users.create("ada@example.com", "correct horse battery", name="Ada")
        with pytest.raises(Conflict):
            await root.users.create("ADA@example.com")
        assert (await root.users.update(user["id"], roles=["developer"]))["roles"] == ["developer"]
        await root.users.set_password(user["id"], "ten quiet owls")
        assert "/login#token=" in (await root.users.sign_in_link(user["id"]))["url"]
        assert [one["email"] for one in await root.users.list()] == ["admin@ironflow.local", "ada@example.com"]
        await root.users.delete(user["id"])

        tenant = await root.tenants.provision("Acme", "production")
        await root.orgs.update(tenant["org"]["id"], name="Acme 2", timezone="Europe/Paris")
        assert "Acme 2" in [one["name"] for one in await root.tenants.list()]
        async with AsyncClient(guarded.url, api_key=tenant["api_key"]["key"]) as theirs:
            project = await theirs.projects.create("shop")
            environment = await theirs.environments.create("staging", project=project["id"])
            await theirs.environments.update(environment["id"], color="#fff")
            await theirs.environments.delete(environment["id"])
            await theirs.projects.delete(project["id"])
            assert [one["name"] for one in await theirs.environments.list()] == ["production"]
        await root.orgs.delete(tenant["org"]["id"])


async def test_a_worker_works_with_its_key_and_is_cut_off_with_it(guarded: ServerProcess) -> None:
    @function("ship", triggers=["order.placed"])
    async def ship(ctx: object) -> str:
        return "shipped"

    async with AsyncClient(guarded.url, api_key=guarded.key) as root:
        made = await root.apikeys.create("worker", roles=["developer"])
        worker = Worker([ship], server=guarded.url, grpc_address=guarded.grpc_address, api_key=made["key"])
        running = asyncio.create_task(worker.run())
        async with asyncio.timeout(20):
            while not await root.workers():
                assert not running.done(), running
        emitted = await root.emit_sync("order.placed", {}, timeout_s=20)
        assert [one["outputValue"] for one in emitted] == ["shipped"], emitted

        await root.apikeys.revoke(made["id"])

        with pytest.raises(IronflowError) as ended:
            await asyncio.wait_for(running, 20)
        assert ended.value.code == "UNAUTHENTICATED"
        assert await root.workers() == []
