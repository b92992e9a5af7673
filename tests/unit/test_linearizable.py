"""The checker of concurrent histories: it finds what is wrong, and allows what is right."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.linearizable import Operation, linearizable


def op(kind: str, argument: Any, result: Any, called: int, answered: int | None) -> Operation:
    return Operation(kind, argument, result, called, answered)


RIGHT = {
    "nothing": [],
    "in turn": [op("put", "a", 1, 1, 2), op("get", None, (1, "a"), 3, 4)],
    "a read beside a write may see either": [op("put", "a", 1, 1, 4), op("get", None, (0, None), 2, 3)],
    "a read beside a write may see it": [op("put", "a", 1, 1, 4), op("get", None, (1, "a"), 2, 3)],
    "one of two wins": [op("cas", (0, "a"), 1, 1, 3), op("cas", (0, "b"), "refused", 2, 4)],
    "what never answered may have happened": [op("put", "a", None, 1, None), op("get", None, (1, "a"), 2, 3)],
    "what never answered may not have happened": [op("put", "a", None, 1, None), op("get", None, (0, None), 2, 3)],
    "revisions go on after a delete": [
        op("put", "a", 1, 1, 2),
        op("delete", None, 2, 3, 4),
        op("cas", (0, "b"), 3, 5, 6),
    ],
}
WRONG = {
    "a stale read": [op("put", "a", 1, 1, 2), op("get", None, (0, None), 3, 4)],
    "a read from the future": [op("get", None, (1, "a"), 1, 2), op("put", "a", 1, 3, 4)],
    "two winners": [op("cas", (0, "a"), 1, 1, 3), op("cas", (0, "b"), 1, 2, 4)],
    "nobody wins": [op("cas", (0, "a"), "refused", 1, 3), op("cas", (0, "b"), "refused", 2, 4)],
    "reads that go back": [
        op("put", "a", 1, 1, 10),
        op("get", None, (1, "a"), 2, 3),
        op("get", None, (0, None), 4, 5),
    ],
    "a lost update": [op("put", "a", 1, 1, 2), op("put", "b", 1, 3, 4)],
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_history_that_can_be_explained_is(name: str) -> None:
    assert linearizable(RIGHT[name])


@pytest.mark.parametrize("name", WRONG)
def test_one_that_cannot_is_found(name: str) -> None:
    assert not linearizable(WRONG[name])
