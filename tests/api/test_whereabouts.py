"""Where something is that is not where it was looked for."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.support.server import ServerProcess

WHERE = "/api/v1/whereabouts"
ENVIRONMENT = "X-Ironflow-Environment-ID"


def where(http: httpx.Client, kind: str, id: str) -> Any:
    return http.get(WHERE, params={"kind": kind, "id": id}).json()


def test_what_is_not_here_was_never_or_is_deleted_or_elsewhere(http: httpx.Client, environment: str) -> None:
    other = f"0{environment}"  # the first by name, however many there are
    name = f"carts-{environment}"  # others, too, make buckets on this server
    made = {"name": name}
    assert http.post("/api/v1/kv/buckets", json=made, headers={ENVIRONMENT: other}).status_code == 201

    assert where(http, "bucket", name) == {"here": False, "environments": [other]}
    assert where(http, "bucket", "nope") == {"here": False, "environments": []}
    assert http.post("/api/v1/kv/buckets", json=made).status_code == 201
    assert where(http, "bucket", name) == {"here": True, "environments": [other]}
    assert http.delete(f"/api/v1/kv/buckets/{name}").is_success
    told = where(http, "bucket", name)
    assert (told["here"], told["environments"]) == (False, [other])
    assert told["deleted_at"].endswith("Z")
    assert http.delete(f"/api/v1/kv/buckets/{name}", headers={ENVIRONMENT: other}).is_success
    assert where(http, "bucket", name)["environments"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [({"kind": "secret", "id": "x"}, "kind"), ({"kind": "run"}, "id"), ({"kind": "run", "id": "a\0b"}, "id")],
)
def test_what_cannot_be_looked_for_is_refused(http: httpx.Client, query: dict[str, str], field: str) -> None:
    answer = http.get(WHERE, params=query)

    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_nobody_is_told_of_an_environment_that_they_may_not_see(guarded: ServerProcess, environment: str) -> None:
    other, name = f"0{environment}", f"carts-{environment}"

    def client(key: str, within: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {key}", ENVIRONMENT: within}
        return httpx.Client(base_url=guarded.url, headers=headers, timeout=30)

    with client(guarded.key, other) as there, client(guarded.key, environment) as here:
        assert there.post("/api/v1/kv/buckets", json={"name": name}).status_code == 201
        free = here.post("/api/v1/apikeys", json={"name": "dev", "role_ids": ["developer"]}).json()["key"]
        bound = here.post("/api/v1/apikeys", json={"name": "b", "role_ids": ["developer"], "env_id": environment})
        hidden = {"name": "hidden", "actions": ["kv:read"], "resources": ["kv/*"], "roles": ["developer"]}

        with client(free, environment) as developer, client(bound.json()["key"], environment) as boxed:
            assert where(developer, "bucket", name)["environments"] == [other]
            assert where(boxed, "bucket", name)["environments"] == [], "a key of one environment"
            assert there.post("/api/v1/policies", json=hidden).is_success
            assert where(developer, "bucket", name)["environments"] == [], "a policy of the other environment"
            assert where(here, "bucket", name)["environments"] == [other], "which is not for everybody"
            assert there.patch("/api/v1/policies/hidden", json={"mode": "monitor"}).is_success
            assert where(developer, "bucket", name)["environments"] == [other]
            assert there.get("/api/v1/policies/hidden").json()["would_deny_count"] == 0, "we ask, not the caller"
            met = {"mode": "enforce", "condition": "request.address != ''"}
            assert there.patch("/api/v1/policies/hidden", json=met).is_success
            assert where(developer, "bucket", name)["environments"] == [], "as for the call itself"
