"""Which run: the newest first, found by filters and by letters, and alive while one chooses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.fuzzy import FuzzySearch
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option
from textual.worker import get_current_worker

from app.debugger import asking
from app.debugger.marks import COLORS, STATUS, plain
from ironflow.errors import IronflowError

TYPED_S = 0.25
"""After so long without a key the server is asked."""
RENEWED_S = 0.5
"""What changes within that time is shown at once."""

Run = Mapping[str, Any]
Runs = Callable[[Mapping[str, str]], Sequence[Run]]
"""Runs by parameters of a list of runs, newest first. Raises what the SDK raises."""
Changes = Callable[[], AsyncIterator[None]]
"""Something has happened to some run: told for ever. Raises what the SDK raises."""


class Picker(ModalScreen[str | None]):
    """What is typed narrows the list; runs that are older than what is listed are found by the server, a moment later.
    The id."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "nothing", show=False),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
    ]

    def __init__(self, runs: Runs, changes: Changes | None = None) -> None:
        """Without `changes` the list is as it was when it was asked for."""
        super().__init__()
        self._runs, self._changes = runs, changes
        self._known: Sequence[Run] = ()
        self._older: Sequence[Run] = ()
        self._asked: tuple[Mapping[str, str], str] = ({}, "")
        self._typed = ""
        self._timer: Timer | None = None
        self._alive = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="window tall"):
            yield Static(Text("Which run?", "bold"))
            yield Input(placeholder="letters of it, or status:failed function:bill since:1h", id="line")
            yield OptionList(id="choices")
            yield Static("", id="said")

    def on_mount(self) -> None:
        self.query_one(OptionList).can_focus = False
        self.query_one(Input).focus()
        self.search({}, "")
        if self._changes is not None:
            self.live(self._changes)

    @work(group="live")
    async def live(self, changes: Changes) -> None:
        """Ask again when something has happened, until the person has chosen."""
        self._alive = True
        try:
            async with aclosing(changes()) as told:  # type: ignore[type-var]
                async for _ in told:
                    if self._timer is None:
                        self._timer = self.set_timer(RENEWED_S, self._ask)
        except IronflowError as error:
            self._alive = False
            self._say(Text(plain(f"the list is not alive: {error}"), "yellow"))

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.value == self._typed:  # as it is told of when it begins
            return
        self._typed = event.value
        wanted = self._parsed(event.value)
        if wanted is None:
            return
        if wanted[0] == self._asked[0]:
            self._asked = wanted
            self._fill(chosen="")
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(TYPED_S, self._ask)

    def _parsed(self, text: str) -> tuple[Mapping[str, str], str] | None:
        """Filters and words of what is typed; None, and why is said, if it is wrong."""
        begun = text.endswith(":")  # a filter that has no value yet
        try:
            found = dict(asking.parsed(text.rpartition(" ")[0] if begun else text))
        except ValueError as error:
            self._say(Text(plain(str(error)), "bold red"))
            return None
        words = found.pop("search", "")
        return found, words

    def _ask(self) -> None:
        self._timer = None
        wanted = self._parsed(self.query_one(Input).value)
        if wanted is not None:
            self.search(*wanted)

    @work(thread=True, exclusive=True, group="runs")
    def search(self, filters: Mapping[str, str], words: str) -> None:
        worker = get_current_worker()
        try:
            known = self._runs(filters)
            older = self._runs({**filters, "search": words}) if words else ()
        except (IronflowError, ValueError) as error:
            said = f"{error}  {getattr(error, 'hint', '')}"
            if not worker.is_cancelled:
                self.app.call_from_thread(self._say, Text(plain(said), "bold red"))
            return
        if not worker.is_cancelled:  # something else is asked by now
            self.app.call_from_thread(self._found, (filters, words), known, older)

    def _found(self, asked: tuple[Mapping[str, str], str], known: Sequence[Run], older: Sequence[Run]) -> None:
        self._asked, self._known, self._older = asked, known, older
        choices = self.query_one(OptionList)
        before = choices.highlighted
        self._fill(chosen="" if before is None else choices.get_option_at_index(before).id or "")

    def _fill(self, *, chosen: str) -> None:
        """A run that was chosen is chosen still, if it is there; else the first."""
        choices = self.query_one(OptionList)
        shown = matching(self._known, self._older, self._asked[1])
        choices.clear_options()
        choices.add_options([Option(_line(run), id=str(run["id"])) for run in shown])
        ids = [str(run["id"]) for run in shown]
        if ids:
            choices.highlighted = ids.index(chosen) if chosen in ids else 0
        counted = f"{len(ids):,} run{'s' if len(ids) > 1 else ''}" if ids else "no such runs"
        self._say(Text(f"{counted}{', live' if self._alive else ''} · ↑↓ Enter opens · Esc gives up", "dim"))

    def _say(self, text: Text) -> None:
        self.query_one("#said", Static).update(text)

    def action_move(self, direction: int) -> None:
        choices = self.query_one(OptionList)
        choices.action_cursor_down() if direction > 0 else choices.action_cursor_up()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        wanted, choices = self._parsed(event.value), self.query_one(OptionList)
        if wanted is None or wanted[0] != self._asked[0]:  # what is shown is of other filters
            self._ask()
        elif choices.highlighted is not None:
            self.dismiss(choices.get_option_at_index(choices.highlighted).id)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)


def matching(known: Sequence[Run], older: Sequence[Run], words: str) -> Sequence[Run]:
    """Of what is known, the runs that have the letters of each word in their order, the best first; then those of
    `older` that are not among them. Without words all that is known, as it is."""
    if not words:
        return known
    search = FuzzySearch(case_sensitive=False)
    scored: list[tuple[float, int]] = []
    for number, run in enumerate(known):
        each = [search.match(word, _said(run))[0] for word in words.split()]
        if all(each):
            scored.append((-sum(each), number))
    found = [known[number] for _, number in sorted(scored)]
    ids = {run["id"] for run in found}
    return [*found, *(run for run in older if run["id"] not in ids)]


def _said(run: Run) -> str:
    """What letters are sought in."""
    return f"{run['status']} {run['function_id']} {run['id']} {' '.join(run.get('tags', ()))} {_error(run)}"


def _error(run: Run) -> str:
    error = run.get("error") or {}
    return f"{error.get('code', '')}: {error.get('message', '')}".removeprefix(": ").removesuffix(": ")


def _line(run: Run) -> Text:
    status = str(run["status"])
    icon, _, color = STATUS.get(status, ("·", "", ""))
    when = str(run["created_at"])[:19].replace("T", " ")
    return Text.assemble(
        (f"{icon} {status:<12.12} ", COLORS.get(color, "")),
        (plain(f"{run['function_id']!s:<18.18} "), "bold"),
        plain(f"{run['id']}  "),
        (plain(f"{when}  {_error(run)}"), "dim"),
        no_wrap=True,
        overflow="ellipsis",
    )
