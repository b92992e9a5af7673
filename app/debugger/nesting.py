"""The rows of a run as lines of a tree: what a parallel branch did stands below the branch."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from app.debugger.branches import outer_of
from app.debugger.steps import Steps


class Line(NamedTuple):
    """A row by its number, or with -1 the head of a branch. `depth` is how many branches it is within."""

    number: int
    depth: int
    branch: str


class Lines:
    """Of the rows with some numbers, which are in order. A run without branches costs nothing, however long it is."""

    def __init__(self, steps: Steps, numbers: Sequence[int]) -> None:
        self._numbers = numbers
        self._lines = list(_nested(steps, numbers)) if steps.has_branches else None
        self._places = {one.number: place for place, one in enumerate(self._lines or ())}

    def __len__(self) -> int:
        return len(self._numbers if self._lines is None else self._lines)

    def __getitem__(self, place: int) -> Line:
        return Line(self._numbers[place], 0, "") if self._lines is None else self._lines[place]

    def place(self, number: int) -> int:
        """Of a row's line, or of the last row before it that has one; -1 before all."""
        known = bisect_right(self._numbers, number) - 1
        return known if known < 0 or self._lines is None else self._places[self._numbers[known]]

    def row(self, place: int) -> int:
        """The row at a place, or the first one below the branch that is there."""
        while self[place].number < 0:
            place += 1
        return self[place].number

    def beside(self, number: int, direction: int) -> int | None:
        """The row after a row (direction 1), or before it (-1); None at the end."""
        place = self.place(number)
        if direction > 0 or place < 0 or self[place].number == number:
            place += direction
        while 0 <= place < len(self):
            if self[place].number >= 0:
                return self[place].number
            place += direction
        return None


def _nested(steps: Steps, numbers: Sequence[int]) -> Iterator[Line]:
    """Branches and rows stand in the order in which they began; each below what it is within."""
    below: dict[str, list[int | str]] = {"": []}
    for number in numbers:
        branch = steps.rows[number].branch
        _make_room(below, branch)
        below[branch].append(number)
    waiting: list[tuple[int | str, int, str]] = [(one, 0, "") for one in reversed(below[""])]
    while waiting:
        one, depth, branch = waiting.pop()
        if isinstance(one, int):
            yield Line(one, depth, branch)
            continue
        yield Line(-1, depth, one)
        waiting += [(inner, depth + 1, one) for inner in reversed(below[one])]


def _make_room(below: dict[str, list[int | str]], branch: str) -> None:
    missing: list[str] = []
    while branch not in below:
        missing.append(branch)
        branch = outer_of(branch)
    for one in reversed(missing):
        below[branch].append(one)
        below[one], branch = [], one
