"""Requests that Schemathesis makes of the OpenAPI document, some that fit and some that do not, by somebody who may do
everything: whatever is asked, the server answers, and never that it has failed. `--cases=50` asks that often of each
operation (`make cases`)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import httpx
import pytest

from tests.support.server import ServerProcess

TIMEOUT_S = 10
SEED = 1
SLOW = ("wait", "timeout", "timeout_ms")
"""Parameters that have the server wait; asked for without them."""


class Asked(NamedTuple):
    """One request. A path in the document is `template`."""

    template: str
    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None


@lru_cache(1)
def requests(document: str, count: int) -> list[Asked]:
    """The same ones for the same document: for both stores they are made once."""
    return [asked for operation in _operations(document) for asked in _of(operation, count)]


def _operations(document: str) -> Iterator[Any]:
    import schemathesis

    schema = schemathesis.openapi.from_dict(json.loads(document))
    return (found.ok() for found in schema.get_all_operations())


def _of(operation: Any, count: int) -> list[Asked]:
    from hypothesis import HealthCheck, Phase, given, seed, settings

    found: list[Asked] = []

    @seed(SEED)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def make(case: Any) -> None:
        found.append(_asked(operation, case))

    make()
    return found


def _asked(operation: Any, case: Any) -> Asked:
    from requests import Request  # type: ignore[import-untyped]

    told = case.as_transport_kwargs(base_url="http://server")
    parts = {name: told[name] for name in ("params", "json", "data", "cookies", "files") if name in told}
    if isinstance(parts.get("params"), dict):
        parts["params"] = {name: value for name, value in parts["params"].items() if name not in SLOW}
    made = Request(told["method"], told["url"], **parts).prepare()
    headers = {**made.headers, **{name: str(value) for name, value in (told.get("headers") or {}).items()}}
    for name in [name for name in headers if name.lower() in ("authorization", "host", "content-length")]:
        del headers[name]
    body = made.body.encode() if isinstance(made.body, str) else made.body
    return Asked(operation.path, made.method, made.url.removeprefix("http://server"), headers, body)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def all_of_it(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One that asks who calls; anything may have been done to it afterwards."""
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres").create_database()
    server = ServerProcess(data_dir=tmp_path_factory.mktemp("cases") / "data", database_url=url, guarded=True)
    server.start()
    yield server
    server.close()


@pytest.fixture
def http(all_of_it: ServerProcess) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {all_of_it.key}"}
    with httpx.Client(base_url=all_of_it.url, headers=headers, timeout=TIMEOUT_S) as client:
        yield client


def test_the_server_answers_whatever_is_asked(http: httpx.Client, request: pytest.FixtureRequest) -> None:
    document = http.get("/api/v1/openapi.json").text
    failed: list[tuple[str, str, int, str]] = []
    asked = requests(document, request.config.option.cases)

    for one in asked:
        with http.stream(one.method, one.url, headers=one.headers, content=one.body, timeout=TIMEOUT_S) as answer:
            if answer.status_code >= 500:
                answer.read()
                failed.append((one.method, one.url[:300], answer.status_code, answer.text[:300]))

    assert failed == []
    assert http.get("/api/v1/auth/me").status_code == 200  # it was let in to the end
    assert len({(one.template, one.method) for one in asked}) == _count(document)


def _count(document: str) -> int:
    return sum(len(methods) for methods in json.loads(document)["paths"].values())
