"""Secrets over HTTP: what is answered, and that values are nowhere in clear, whatever is done with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.support.canary import forms, holding, until_published
from tests.support.history import recorded
from tests.support.postgres import Cluster
from tests.support.server import ServerProcess

SECRETS = "/api/v1/secrets"


def test_secrets_are_created_listed_changed_and_deleted(http: httpx.Client) -> None:
    made = http.post(SECRETS, json={"name": "API_KEY", "value": "hunter22", "description": "of the shop"})

    assert made.status_code == 201
    info = made.json()
    assert info == {
        "name": "API_KEY",
        "revision": 1,
        "description": "of the shop",
        "created_at": info["created_at"],
        "updated_at": info["created_at"],
        "used_by": [],
    }
    assert http.post(SECRETS, json={"name": "API_KEY", "value": "x"}).status_code == 409
    assert http.get(SECRETS).json() == [info]
    assert http.get(f"{SECRETS}/API_KEY").json() == info
    assert http.put(f"{SECRETS}/API_KEY", json={"value": "hunter33"}).json()["revision"] == 2
    renamed = http.patch(f"{SECRETS}/API_KEY", json={"name": "SHOP_KEY", "description": "new"}).json()
    assert (renamed["name"], renamed["description"]) == ("SHOP_KEY", "new")
    assert http.patch(f"{SECRETS}/SHOP_KEY", json={"description": "newer"}).json()["description"] == "newer"
    assert http.get(f"{SECRETS}/API_KEY").json()["code"] == "SECRET_NOT_FOUND"
    assert http.delete(f"{SECRETS}/SHOP_KEY").status_code == 204
    assert http.delete(f"{SECRETS}/SHOP_KEY").status_code == 404
    assert http.get(SECRETS).json() == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", SECRETS, b"", 400),
        ("POST", SECRETS, b"{", 400),
        ("POST", SECRETS, b'{"name":"A"}', 400),
        ("POST", SECRETS, b'{"name":"A","value":1}', 400),
        ("POST", SECRETS, b'{"name":"A","value":""}', 400),
        ("POST", SECRETS, b'{"name":"A","value":"a\\u0000b"}', 400),
        ("POST", SECRETS, b'{"name":"A","value":"\\ud800"}', 400),
        ("POST", SECRETS, b'{"name":"A","value":"%s"}' % (b"x" * (64 * 2**10 + 1)), 413),
        ("POST", SECRETS, b'{"name":"A","value":"x","description":"%s"}' % (b"x" * 1001), 400),
        ("POST", SECRETS, b'{"name":"a b","value":"x"}', 400),
        ("POST", SECRETS, b'{"name":"1","value":"x"}', 400),
        ("POST", SECRETS, b'{"name":"A\\u0000","value":"x"}', 400),
        ("POST", SECRETS, b'{"name":"%s","value":"x"}' % (b"A" * 101), 400),
        ("POST", SECRETS, b'{"name":"A","value":"x","vlaue":"y"}', 400),
        ("PUT", f"{SECRETS}/NOPE", b'{"value":"x"}', 404),
        ("PUT", f"{SECRETS}/a%20b", b'{"value":"x"}', 400),
        ("PATCH", f"{SECRETS}/NOPE", b'{"description":"x"}', 404),
        ("PATCH", f"{SECRETS}/NOPE", b"{}", 400),
        ("PATCH", f"{SECRETS}/NOPE", b'{"name":"B"}', 404),
        ("GET", f"{SECRETS}/NOPE", b"", 404),
        ("DELETE", f"{SECRETS}/NOPE", b"", 404),
    ],
)
def test_nonsense_is_refused_and_nothing_recorded(
    http: httpx.Client, method: str, path: str, body: bytes, status: int
) -> None:
    before = recorded(http)

    answer = http.request(method, path, content=body)

    assert answer.status_code == status, answer.text
    assert answer.json()["error"]
    assert recorded(http) == before


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_values_are_nowhere_in_clear(
    start_server: Callable[..., ServerProcess], tmp_path: Path, store: str, request: pytest.FixtureRequest
) -> None:
    """Canaries go in as values and through every error; then all that was answered, logged and stored is searched. A
    value of a key, which may be read, is the counter-check that the search would find one."""
    cluster: Cluster | None = request.getfixturevalue("postgres") if store == "postgres" else None
    server = start_server(
        data_dir=tmp_path / "data",
        database_url=cluster.create_database() if cluster else None,
        arguments=["--log-level", "debug"],
    )
    canaries = [f"canary-{number}-c4n4ry" for number in range(6)]
    control = "control-v1s1ble"
    answers: list[bytes] = []

    def ask(method: str, path: str, **options: object) -> httpx.Response:
        answer = http.request(method, path, **options)  # type: ignore[arg-type]
        answers.append(str(answer.headers).encode() + answer.content)
        return answer

    headers = {"Content-Type": "application/json"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=30) as http:
        ask("POST", "/api/v1/kv/buckets", json={"name": "b"})
        ask("PUT", "/api/v1/kv/buckets/b/keys/k", content=control)
        http.put("/api/v1/kv/buckets/b/keys/j", json=control)
        assert ask("POST", SECRETS, json={"name": "A", "value": canaries[0]}).status_code == 201
        assert ask("PUT", f"{SECRETS}/A", json={"value": canaries[1]}).status_code == 200
        assert ask("POST", SECRETS, json={"name": "B", "value": canaries[2]}).status_code == 201
        assert ask("PATCH", f"{SECRETS}/B", json={"name": "C"}).status_code == 200
        for body in (
            f'{{"name": "A", "value": "{canaries[3]}"}}',
            f'{{"name": "D", "value": "{canaries[3]}"',
            f'{{"name": "D", "value": ["{canaries[4]}"]}}',
            f'{{"name": "D", "value": "{canaries[4]}\\u0000"}}',
            f'{{"name": "D", "value": "{canaries[5] * 8_000}"}}',
            f'{{"name": "bad name", "value": "{canaries[5]}"}}',
        ):
            assert ask("POST", SECRETS, content=body).status_code in (400, 409, 413)
        assert ask("POST", "/api/v1/master-key/rotate").json()["environments"] == 1
        for path in (SECRETS, f"{SECRETS}/A", f"{SECRETS}/C", "/api/v1/history?limit=1000", "/metrics", "/ready"):
            assert ask("GET", path).status_code == 200
        head = http.get("/api/v1/history/head").json()["position"]
        until_published(http, head)
        server.kill9()
        server.restart()
        assert ask("PUT", f"{SECRETS}/C", json={"value": canaries[3]}).status_code == 200
        assert ask("DELETE", f"{SECRETS}/A").status_code == 204
        until_published(http, http.get("/api/v1/history/head").json()["position"])

    folders = [tmp_path]
    if cluster is not None:
        assert server.database_url is not None
        with psycopg.connect(server.database_url, autocommit=True) as connection:
            connection.execute("checkpoint")
        folders.append(cluster.directory / "data")
    server.terminate()
    for canary in canaries:
        assert not any(form in answer for answer in answers for form in forms(canary)), canary
        assert [path for folder in folders for path in holding(folder, canary)] == [], canary
    found = [str(path) for folder in folders for path in holding(folder, control)]
    assert any("/nats/" in path for path in found), "the search reads NATS' files"
    assert any(path.endswith((".db", ".db-wal")) or "/base/" in path or "/pg_wal/" in path for path in found), found
    assert (tmp_path / "data" / "master.key").stat().st_mode & 0o777 == 0o600


def test_a_bad_master_key_stops_the_server_before_it_serves(
    start_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    with pytest.raises(RuntimeError) as refused:
        start_server(data_dir=tmp_path / "data", environment={"IRONFLOW_MASTER_KEY": "s3cret-but-wrong"})

    assert "IRONFLOW_MASTER_KEY" in str(refused.value)
    assert "s3cret-but-wrong" not in str(refused.value)
    assert "Traceback" not in str(refused.value)
