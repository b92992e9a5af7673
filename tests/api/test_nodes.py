"""Who serves the store, over REST and by the SDK."""

from __future__ import annotations

from ironflow import Client
from tests.support.server import ServerProcess


def test_a_server_lists_itself(shared_server: ServerProcess) -> None:
    with Client(shared_server.url) as client:
        [node] = client.nodes()

    assert (node["url"], node["leads"], node["answers"]) == (shared_server.url, True, True)
    assert node["id"].startswith("node_")
