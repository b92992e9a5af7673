"""Two runs side by side, a row for each step that either has, beginning where they first differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingsMap, BindingType
from textual.containers import VerticalScroll
from textual.geometry import Region, Size
from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Static

from app.debugger.marks import COLORS, STATUS, plain
from app.debugger.tui import keys, themes
from app.debugger.tui.rows import took
from app.debugger.tui.tabs import told_differences
from ironflow.comparing import RunDiff, Side, StepDiff, StepSide

SIGNS = {"same": " ", "changed": "≠", "added": "+", "removed": "-"}
SIDE_CHARS = 24
_SHARED = ("next-step", "previous-step", "next-row", "previous-row", "first", "last", "scroll", "scroll-back", "quit")
"""What keys do here, too: steps are those that differ."""


class Row(NamedTuple):
    """The run as a whole, or a step of it. `at` is the position of the step in the second run, 0 where it has none."""

    label: str
    change: str
    before: Side | StepSide | None
    after: Side | StepSide | None
    changes: Sequence[Any]
    at: int = 0


def rows(diff: RunDiff) -> Sequence[Row]:
    """The run first, then its steps in the order of the comparison; a step is called by its path if it has to be."""
    run = Row("the run", "changed" if diff.run else "same", diff.a, diff.b, diff.run)
    names = [step.name for step in diff.steps]
    return [run, *(_row(step, step.name if names.count(step.name) == 1 else step.path) for step in diff.steps)]


def _row(step: StepDiff, label: str) -> Row:
    at = step.after.position if step.after is not None else 0
    return Row(label, step.change, step.before, step.after, step.changes, at)


class Beside(ScrollView, can_focus=False):
    """Only rows that can be seen are made."""

    def __init__(self, shown: Sequence[Row], first: int) -> None:
        super().__init__(id="beside")
        self.shown, self.current = shown, first
        self._label_chars = max(len(row.label) for row in shown)

    def on_resize(self) -> None:
        self.virtual_size = Size(self.size.width, len(self.shown))
        self.choose(self.current)

    def choose(self, number: int) -> None:
        self.current = max(0, min(number, len(self.shown) - 1))
        self.refresh()
        self.scroll_to_region(Region(0, self.current, 1, 1), animate=False, force=True)

    def render_line(self, y: int) -> Strip:
        number = self.scroll_offset.y + y
        base = self.rich_style
        if number >= len(self.shown):
            return Strip.blank(self.size.width, base)
        row = self.shown[number]
        if number == self.current:
            base += themes.chosen(self.app)
        width = max(8, min(self._label_chars, self.size.width - 2 * SIDE_CHARS - 8))
        label = plain(row.label)
        label = label if len(label) <= width else f"{label[: width - 1]}…"
        differs = row.change != "same"
        cells = [
            (f"{SIGNS[row.change]} ", Style(color="yellow", bold=True)),
            (f"{label:<{width}} ", Style(bold=differs)),
            *_side(row.before),
            ("│ ", Style(dim=True)),
            *_side(row.after),
        ]
        return Strip([Segment(text, base + style) for text, style in cells]).adjust_cell_length(self.size.width, base)


def _side(side: Side | StepSide | None) -> list[tuple[str, Style]]:
    if side is None:
        return [(f"{'(not there)':<{SIDE_CHARS}}", Style(dim=True))]
    icon, _, color = STATUS.get(side.status, ("·", "", ""))
    attempt = getattr(side, "attempt", 1)
    said = f"{icon} {side.status}" + (f" #{attempt}" if attempt > 1 else "")
    return [
        (f"{said:<16}", Style(color=COLORS.get(color))),
        (f"{took(side.duration_ms):>{SIDE_CHARS - 17}} ", Style(dim=True)),
    ]


class ComparisonScreen(Screen[None]):
    """`show` is asked to look closer: at a position of the second run."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "to the run", show=False),
        Binding("enter", "open", "the step in the run", show=False),
    ]

    def __init__(self, diff: RunDiff, keymap: keys.Keymap, show: Callable[[int], None]) -> None:
        super().__init__()
        shared = [Binding(keymap[name], keys.NAMED[name].action, show=False) for name in _SHARED if keymap[name]]
        self._bindings.key_to_bindings.update(BindingsMap(shared).key_to_bindings)
        self._diff, self._keymap, self._show = diff, keymap, show
        self._rows = rows(diff)
        paths = ["", *(step.path for step in diff.steps)]
        first = diff.first_divergence
        self._first = paths.index(first) if first in paths else 0

    def compose(self) -> ComposeResult:
        yield Static(self._heading(), id="header")
        yield Beside(self._rows, self._first)
        with VerticalScroll(id="body", can_focus=False):
            yield Static(id="content")
        step, row = (keys.signs(self._keymap[name]).partition(" ")[0] for name in ("next-step", "next-row"))
        yield Static(
            Text(f"{step} next that differs  {row} row  Enter the step in its run  Esc the run", "dim"), id="footer"
        )

    def on_mount(self) -> None:
        self._tell()

    def _heading(self) -> Text:
        diff, diverges = self._diff, self._diff.first_divergence
        where = "nowhere" if diverges is None else "at the input" if not diverges else f"at {plain(diverges)}"
        return Text.assemble(
            (f" {plain(diff.a.run_id)}", "bold"),
            ("  │  ", "dim"),
            (plain(diff.b.run_id), "bold"),
            ("   are the same", "green") if diff.same else (f"   differ first {where}", "yellow"),
            no_wrap=True,
            overflow="ellipsis",
        )

    def _tell(self) -> None:
        row = self._rows[self.query_one(Beside).current]
        about = {"added": "only the second run has it", "removed": "only the first run has it", "same": "no difference"}
        said = about.get(row.change, "- first run, + second run")
        text = Text.assemble((plain(row.label), "bold"), (f"  {said}\n\n", "dim"), told_differences(row.changes))
        self.query_one("#content", Static).update(text)
        self.query_one("#body", VerticalScroll).scroll_home(animate=False)

    def _go(self, number: int) -> None:
        self.query_one(Beside).choose(number)
        self._tell()

    def action_step(self, direction: int) -> None:
        """To the next row that differs, or the one before."""
        number = self.query_one(Beside).current + direction
        while 0 <= number < len(self._rows):
            if self._rows[number].change != "same":
                self._go(number)
                return
            number += direction
        self.notify("No more differences", timeout=2)

    def action_row(self, direction: int) -> None:
        self._go(self.query_one(Beside).current + direction)

    def action_first(self) -> None:
        self._go(0)

    def action_last(self) -> None:
        self._go(len(self._rows) - 1)

    def action_scroll(self, direction: int) -> None:
        body = self.query_one("#body", VerticalScroll)
        body.scroll_page_down(animate=False) if direction > 0 else body.scroll_page_up(animate=False)

    def action_open(self) -> None:
        row = self._rows[self.query_one(Beside).current]
        if row.after is None:
            self.notify("The second run has no such step", severity="warning")
            return
        self.dismiss()
        if row.at:
            self._show(row.at)

    def action_back(self) -> None:
        self.dismiss()

    def action_quit(self) -> None:
        self.app.exit()
