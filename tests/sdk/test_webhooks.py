"""Webhooks through the SDK's clients, against a real server."""

from __future__ import annotations

import httpx
import pytest

from ironflow import AsyncClient, Client
from ironflow.errors import Conflict, InvalidArgument, NotFound, Unauthenticated
from tests.support import signing
from tests.support.server import ServerProcess

BODY = b'{"action":"opened"}'


def deliver(url: str, path: str, *, secret: str, delivery: str) -> int:
    headers = signing.github(secret, BODY, event="issues", delivery=delivery)
    return httpx.post(url + path, content=BODY, headers=headers, timeout=30).status_code


def test_sources_and_deliveries(server: ServerProcess, environment: str) -> None:
    with Client(server.url, environment=environment) as client:
        webhooks = client.webhooks
        made = webhooks.create("repo", provider="github", secret="one", metadata={"team": "a"})
        path = made["ingest_path"]

        assert deliver(server.url, path, secret="one", delivery="1") == 200
        assert deliver(server.url, path, secret="two", delivery="2") == 401
        rejected, accepted = webhooks.deliveries("repo").items
        assert (rejected["status"], accepted["status"]) == ("rejected", "accepted")
        with pytest.raises(Unauthenticated):
            webhooks.replay(rejected["id"])
        assert webhooks.rotate("repo", "two", grace="1h")["verify_secret_prev_set"]
        assert webhooks.replay(rejected["id"])["event_name"] == "github.issues.opened"
        assert webhooks.delivery(rejected["id"])["replays"] == 1
        assert deliver(server.url, path, secret="one", delivery="3") == 200
        assert not webhooks.expire_previous("repo")["verify_secret_prev_set"]
        assert deliver(server.url, path, secret="one", delivery="4") == 401
        assert webhooks.pause("repo")["status"] == "paused"
        assert deliver(server.url, path, secret="two", delivery="5") == 202
        assert webhooks.resume("repo")["status"] == "active"
        assert len(webhooks.deliveries(status="held").items) == 1
        page = webhooks.deliveries(limit=2)
        assert len(webhooks.deliveries(limit=200, cursor=page.next_cursor).items) == 3
        assert webhooks.update("repo", event_prefix="gh")["event_prefix"] == "gh"
        with pytest.raises(Conflict):
            webhooks.update("repo", name="x", expected_updated_at=made["updated_at"])
        assert webhooks.rotate_token("repo")["ingest_path"] != path
        assert not webhooks.disable_verification("repo", grace=0)["verify_secret_set"]
        assert [one["name"] for one in webhooks.list()] == ["repo"]
        webhooks.delete("repo")
        with pytest.raises(NotFound):
            webhooks.get("repo")
        with pytest.raises(InvalidArgument):
            webhooks.rotate("repo", "x", grace="soon")


async def test_the_awaited_client_does_the_same(server: ServerProcess, environment: str) -> None:
    async with AsyncClient(server.url, environment=environment) as client:
        verify = {"signature_header": "X-Sig", "event_name_path": "body:kind"}
        made = await client.webhooks.create("own", verify=verify, secret="s", event_prefix="own")

        assert made["verify_config"]["algorithm"] == "hmac-sha256"
        assert (await client.webhooks.get("own"))["id"] == made["id"]
        await client.webhooks.delete(made["id"])
        assert await client.webhooks.list() == []
