"""The parallel branches of a recorded run: which one each record is in, and which are under way at a place."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from app.debugger.step_ids import scope_of

SHOWN_MAX = 100
"""Of branches that are under way at once."""


class Branches:
    """Grown record by record. A branch is called by its path, such as `fan:0`, or `fan:0:inner:2` for one within it; ""
    is what is outside all. A branch has the records of its own, and not those of branches within it."""

    def __init__(self) -> None:
        self._of_place: list[str] = []
        self._places: dict[str, list[int]] = {}

    def add(self, path: str) -> None:
        """Take up the next record, by the path of its step."""
        branch = scope_of(path) if path.count(":") > 1 else ""
        if branch:
            self._places.setdefault(branch, []).append(len(self._of_place))
        self._of_place.append(branch)

    def at(self, index: int) -> str:
        """The branch of the record at a place."""
        return self._of_place[index]

    def latest(self, branch: str, index: int) -> int:
        """The last place of a branch by another one; its first if it began later."""
        places = self._places[branch]
        return places[max(0, bisect_right(places, index) - 1)]

    def under_way(self, index: int) -> Sequence[str]:
        """Branches that have begun by a place and end there or later, in the order in which they began; at most
        SHOWN_MAX of them, the one of the place among them."""
        found = [name for name, places in self._places.items() if places[0] <= index <= places[-1]]
        here = self.at(index)
        return found[:SHOWN_MAX] if here in ("", *found[:SHOWN_MAX]) else [*found[: SHOWN_MAX - 1], here]

    def end(self, branch: str) -> int:
        """The last place of a branch, and of those within it."""
        within = (places[-1] for name, places in self._places.items() if is_within(name, branch))
        return max(within)


def is_within(branch: str, outer: str) -> bool:
    """Whether a branch is another one, or within it; all are within ""."""
    return not outer or branch == outer or branch.startswith(f"{outer}:")


def outer_of(branch: str) -> str:
    """The branch that a branch is within."""
    return scope_of(branch)


def depth_of(branch: str) -> int:
    """How many branches something in a branch is within."""
    depth = 0
    while branch:
        branch, depth = outer_of(branch), depth + 1
    return depth
