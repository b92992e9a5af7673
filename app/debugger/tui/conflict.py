"""A run that has changed since its step was edited: what the step had, what it has now, and what a person wrote."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from app import differences
from app.debugger import values
from app.debugger.marks import plain
from app.differences import ABSENT

VALUE_CHARS_MAX = 40


class Three(NamedTuple):
    """A path, and what is there in each; ABSENT where nothing is."""

    path: str
    base: Any
    theirs: Any
    mine: Any

    @property
    def clashes(self) -> bool:
        """Whether both changed it, and not alike."""
        return not (
            differences.same(self.base, self.theirs)
            or differences.same(self.base, self.mine)
            or differences.same(self.theirs, self.mine)
        )


def three_ways(base: Any, theirs: Any, mine: Any) -> Iterator[Three]:
    """Each path at which somebody changed something, in order."""
    changed: dict[str, tuple[Any, list[Any]]] = {}
    for found, side in ((differences.first(base, theirs)[0], 0), (differences.first(base, mine)[0], 1)):
        for one in found:
            before, sides = changed.setdefault(one.path, (one.before, [one.before, one.before]))
            sides[side] = one.after
    for path, (before, (after, wanted)) in sorted(changed.items()):
        yield Three(path, before, after, wanted)


class Changed(ModalScreen[bool]):
    """Whether to edit again, on top of what the step has now."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "answer(False)", "give up", show=False),
        Binding("enter,e", "answer(True)", "edit again", show=False),
    ]

    def __init__(self, name: str, base: Any, theirs: Any, mine: Any) -> None:
        super().__init__()
        self._about = name
        self._three = list(three_ways(base, theirs, mine))

    def compose(self) -> ComposeResult:
        with Vertical(classes="window"):
            yield Static(Text(plain(f"The run has changed since you looked at {self._about}"), "bold"))
            with VerticalScroll(id="three"):
                yield Static(self._table())
            yield Static(Text(self._said(), "dim"), id="said")

    def action_answer(self, again: bool) -> None:
        self.dismiss(again)

    def _said(self) -> str:
        clashes = sum(one.clashes for one in self._three)
        told = f"≠ {clashes} clash · " if clashes else ""
        return f"{told}Enter edits it again · Esc gives up: nothing was changed"

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_row("", *(Text(name, "dim") for name in ("path", "it was", "it is now", "you wrote")))
        for one in self._three:
            sign = Text("≠", "bold red") if one.clashes else Text("")
            table.add_row(sign, Text(plain(one.path or "/"), "bold"), *map(_cell, one[1:]))
        return table


def _cell(value: Any) -> Text:
    return Text("-", "dim") if value is ABSENT else Text(plain(values.line(value, limit=VALUE_CHARS_MAX)))
