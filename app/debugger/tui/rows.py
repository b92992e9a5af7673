"""The steps of a run, a row for each attempt. Only rows that can be seen are made, so that a long run costs nothing."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from app.debugger import filtering
from app.debugger.gantt import Scale
from app.debugger.marks import COLORS, STATUS, plain
from app.debugger.nesting import Lines
from app.debugger.recording import Recording
from app.debugger.squeezing import Squeezed
from app.debugger.step_ids import branch_name
from app.debugger.steps import INDENT, NOT_REACHED, Shown, Steps
from app.debugger.tui import themes

BAR_CHARS = 12
NAME_CHARS_MAX = 28


class Rows(ScrollView, can_focus=False):
    """`follow` is told what to show; a click on a row asks for it."""

    class Chosen(Message):
        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._recording: Recording | None = None
        self._steps: Steps | None = None
        self._scale: Scale | None = None
        self._index = 0
        self._stops: Collection[str] = ()
        self._lines: Lines | None = None
        self._filtered: tuple[Any, ...] = ()
        self.current = -1

    def follow(
        self, recording: Recording, steps: Steps, index: int, stops: Collection[str] = (), only: str = ""
    ) -> None:
        """Show the rows as of a place; steps whose names are `stops` have a breakpoint. `only` are words that a row has
        to have."""
        records = recording.records
        self._recording, self._steps, self._index, self._stops = recording, steps, index, stops
        if (filtered := (recording.run_id, len(records), only)) != self._filtered:
            self._filtered = filtered
            found = filtering.numbers(steps, only)
            self._lines = Lines(steps, range(len(steps.rows)) if found is None else found)
            self._scale = Scale(Squeezed(records).share, width=BAR_CHARS, unicode=True)
        self.current = steps.number(index)
        self.virtual_size = Size(self.size.width, len(self._lines or ()))
        self.refresh()
        self.see()

    def see(self) -> None:
        """Scroll to where the current row is, or would be."""
        line = max(0, self._lines.place(self.current)) if self._lines is not None else 0
        self.scroll_to_region(Region(0, line, 1, 1), animate=False, force=True)

    def beside(self, direction: int) -> int | None:
        """The number of the row that is shown after the current one (direction 1) or before it (-1)."""
        return None if self._lines is None else self._lines.beside(self.current, direction)

    def on_resize(self) -> None:
        self.virtual_size = Size(self.size.width, len(self._lines or ()))
        self.see()

    def on_click(self, event: events.Click) -> None:
        line = self.scroll_offset.y + event.y
        if self._lines is not None and 0 <= line < len(self._lines):
            self.post_message(self.Chosen(self._lines.row(line)))

    def render_line(self, y: int) -> Strip:
        line = self.scroll_offset.y + y
        base = self.rich_style
        if self._steps is None or self._lines is None or line >= len(self._lines):
            said = "  no row has that" if y == 0 and self._filtered and self._filtered[-1] else ""
            return Strip([Segment(said, base)]).adjust_cell_length(self.size.width, base)
        number, depth, branch = self._lines[line]
        if number < 0:
            head = f"   {' ' * INDENT * depth}∥ {plain(branch_name(branch))}"
            return Strip([Segment(head, base + Style(dim=True))]).adjust_cell_length(self.size.width, base)
        if number == self.current:
            base += themes.chosen(self.app)
        cells = self._cells(self._steps.shown(number, self._index), number, depth)
        segments = [Segment(text, base + style) for text, style in cells]
        return Strip(segments).adjust_cell_length(self.size.width, base)

    def _cells(self, one: Shown, number: int, depth: int) -> list[tuple[str, Style]]:
        """Texts and their styles: mark, icon, name, duration, bar, note."""
        reached = one.status != NOT_REACHED
        icon, _, color = STATUS.get(one.status, ("○", "", ""))
        faint = Style(dim=True)
        shown = Style(color=COLORS.get(color))
        mark = "●" if one.row.name in self._stops else "◇" if one.edited else " "
        here = "▶" if number == self.current else " "
        label = self._steps.name_in_tree(one.row) if self._steps is not None else ""
        name = " " * INDENT * depth + plain(label) + (f" #{one.row.attempt}" if one.row.attempt > 1 else "")
        longest = self._steps.name_chars + 3 if self._steps is not None else 0
        width = max(8, min(longest, NAME_CHARS_MAX, self.size.width - BAR_CHARS - 16))
        name = name if len(name) <= width else f"{name[: width - 1]}…"
        begin = [(mark, Style(color="magenta")), (f"{here}{icon} ", shown)]
        if not reached:
            return [*begin, (f"{name:<{width}} (not reached)", faint)]
        bar = self._scale.bar(one.record) if self._scale is not None else " " * BAR_CHARS
        return [
            *begin,
            (f"{name:<{width}} ", Style()),
            (f"{took(one.duration_ms):>7} ", faint),
            (f"{bar} ", shown),
            (plain(one.note), faint),
        ]


def took(duration_ms: int | None) -> str:
    """A duration in a few characters."""
    if duration_ms is None:
        return ""
    return f"{duration_ms}ms" if duration_ms < 10_000 else f"{duration_ms / 1_000:.1f}s"
