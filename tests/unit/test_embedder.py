"""A model's embeddings over HTTP: what it is told, and that failures are embedded all the same without an answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from app.clock import ManualClock
from app.search import embedder as embedders
from app.search.embed import DIMENSIONS, HASHED, distance, embed
from app.search.embedder import Embedder, EmbedOptions
from tests.support.endpoint import Endpoint, Reply, Request
from tests.unit.test_failure_features import failure


def embeddings(request: Request) -> Reply:
    """One of 300 dimensions for each text; told in another order than asked for."""
    told = [
        {"index": index, "embedding": [float(len(text) * (n % 7)) for n in range(300)]}
        for index, text in enumerate(request.json["input"])
    ]
    return Reply(200, {"object": "list", "data": told[::-1]})


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint(embeddings)
    yield made
    made.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_764_000_000_000_000)


@pytest.fixture
def embedder(endpoint: Endpoint, clock: ManualClock) -> Embedder:
    return Embedder(EmbedOptions(f"{endpoint.url}/v1/embeddings", "tiny", "s3cret"), clock=clock)


async def test_a_model_embeds_what_it_is_told_of_each_failure(embedder: Embedder, endpoint: Endpoint) -> None:
    rows = await embedder.embed([failure(), failure("no order <number> at all")])

    request = endpoint.requests.get(timeout=10)
    assert request.headers["authorization"] == "Bearer s3cret"
    assert request.json["model"] == "tiny"
    assert ["KeyError: no order <number>" in text for text in request.json["input"]] == [True, True]
    assert [row.embedder for row in rows] == ["model tiny"] * 2
    assert [len(row.vector) for row in rows] == [DIMENSIONS] * 2
    assert distance(rows[0].vector, rows[1].vector) < 0.01
    assert await embedder.embed_text("x") == ("model tiny", rows[0].vector)


async def test_many_are_asked_for_in_parts(embedder: Embedder, endpoint: Endpoint) -> None:
    rows = await embedder.embed([failure()] * (embedders.TOGETHER_MAX + 1))

    assert len(rows) == embedders.TOGETHER_MAX + 1
    sizes = [len(endpoint.requests.get(timeout=10).json["input"]) for _ in range(2)]
    assert sizes == [embedders.TOGETHER_MAX, 1]


@pytest.mark.parametrize(
    "answer",
    [
        Reply(500, {"error": "down"}),
        Reply(200, {"data": []}),
        Reply(200, {"data": [{"index": 0, "embedding": []}]}),
        Reply(200, b"not JSON"),
        Reply(200, {"data": [{"index": 0, "embedding": ["x"]}]}),
        Reply(302, b"", {"location": "http://127.0.0.1/"}),
    ],
)
async def test_without_an_answer_features_do_and_the_endpoint_is_left_alone_for_a_while(
    embedder: Embedder, endpoint: Endpoint, clock: ManualClock, answer: Any
) -> None:
    endpoint.answer = lambda request: answer

    [row] = await embedder.embed([failure()])
    [again] = await embedder.embed([failure()])

    assert (row.embedder, row.vector) == (HASHED, embed(failure()))
    assert again == row
    endpoint.requests.get(timeout=10)
    assert endpoint.requests.empty()
    endpoint.answer = embeddings
    clock.advance(embedders.REST_US)
    [recovered] = await embedder.embed([failure()])
    assert recovered.embedder == "model tiny"


async def test_an_endpoint_that_is_slow_or_not_there_is_waited_for_no_longer_than_it_may(
    embedder: Embedder, endpoint: Endpoint, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedders, "TIMEOUT_S", 0.01)
    released = threading.Event()
    endpoint.answer = lambda request: embeddings(request) if released.wait(30) else None

    [slow] = await embedder.embed([failure()])
    released.set()
    gone = Embedder(EmbedOptions("http://127.0.0.1:1/v1/embeddings", "tiny"), clock=clock)
    [none] = await gone.embed([failure()])

    assert (slow.embedder, none.embedder) == (HASHED, HASHED)
    assert await embedder.embed([]) == []
