"""Where a failure lies among others: a vector that is near those of failures that look alike.

Built in: features (words of the message and pairs of them, frames, steps, paths of the input …) are hashed to
dimensions with a sign (the "hashing trick"), the more telling ones weigh more. Deterministic, without a model.
"""

from __future__ import annotations

import functools
import math
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b

from app.search.failure import Failure
from app.search.masking import mask

DIMENSIONS = 128
HASHED = "hashed-1"
"""Who embedded so, as vectors are marked: another number when features change."""

_WORD = re.compile(r"<\w+>|[A-Za-z][A-Za-z_]*")
_WORDS_MAX = 60

Features = Iterable[tuple[str, float]]


def embed(failure: Failure) -> bytes:
    """The failure's vector."""
    return packed(_sum(_features(failure)))


def embed_text(text: str) -> bytes:
    """The vector of a text that is compared with failures, as if it were part of each message."""
    return packed(_sum([*_words(mask(text)), *((f"type {word.lower()}", 3.0) for word in _WORD.findall(text))]))


def text_of(failure: Failure) -> str:
    """The failure as a text for a model: what tells it from others, without what differs from case to case."""
    row = failure.row
    lines = [
        f"{row.error_type}: {row.masked}",
        f"function {row.function_id}, step {row.step or 'none'}",
        f"at {', '.join(str(frame) for frame in failure.frames)}",
        f"after {', '.join(reversed(failure.steps))}",
        f"input {', '.join(failure.shape)}",
    ]
    return "\n".join(lines)


def packed(values: Sequence[float]) -> bytes:
    """One signed byte a dimension. Only the direction counts, so that the largest value may fill it."""
    largest = max(max(values), -min(values))
    if not largest:
        return bytes(len(values))
    scale = 127 / largest
    return array("b", [round(value * scale) for value in values]).tobytes()


def folded(values: Sequence[float]) -> list[float]:
    """A vector of any length in DIMENSIONS, by adding up with signs: near ones stay near."""
    if len(values) == DIMENSIONS:
        return list(values)
    total = [0.0] * DIMENSIONS
    for number, value in enumerate(values):
        index, sign = _place(f"dimension {number}")
        total[index] += sign * value
    return total


def distance(one: bytes, other: bytes) -> float:
    """1 minus the cosine of the angle between two vectors."""
    a, b = array("b", one), array("b", other)
    product = sum(map(int.__mul__, a, b))
    lengths = math.sqrt(sum(map(int.__mul__, a, a)) * sum(map(int.__mul__, b, b)))
    return 1.0 - product / lengths if lengths else 1.0


def _features(failure: Failure) -> Features:
    row = failure.row
    yield f"type {row.error_type.lower()}", 3.0
    yield f"function {row.function_id}", 1.5
    yield f"step {row.step}", 2.0
    if row.error_code not in ("STEP_FAILED", row.error_type):
        yield f"code {row.error_code}", 1.0
    yield from _words(row.masked)
    for number, frame in enumerate(failure.frames):
        weight = (2.0 if frame.own else 1.0) / (number + 1)
        yield f"frame {frame.file}:{frame.function}", weight
        yield f"function in stack {frame.function}", weight / 2
    for name in failure.steps:
        yield f"after {name}", 0.3
    for path in failure.shape:
        yield f"input {path}", 0.2


def _words(text: str) -> Iterator[tuple[str, float]]:
    words = [word.lower() for word in _WORD.findall(text)[:_WORDS_MAX]]
    before = ""
    for word in words:
        yield f"word {word}", 0.3 if word[0] == "<" else 1.0
        if before:
            yield f"words {before} {word}", 0.7
        before = word


def _sum(features: Features) -> list[float]:
    total = [0.0] * DIMENSIONS
    for name, weight in features:
        index, sign = _place(name)
        total[index] += sign * weight
    return total


@functools.lru_cache(maxsize=100_000)
def _place(feature: str) -> tuple[int, float]:
    """The dimension of a feature, and its sign."""
    number = int.from_bytes(blake2b(feature.encode("utf-8", "replace"), digest_size=4).digest(), "little")
    return (number >> 1) % DIMENSIONS, 1.0 if number & 1 else -1.0
