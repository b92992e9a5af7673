"""What is asked for in a window over the rest: a line, a key, a reason, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.fuzzy import FuzzySearch
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from app.debugger.tui import keys

_ESCAPE = Binding("escape", "dismiss", "nothing", show=False)


class Line(ModalScreen[str | None]):
    """A line of text; None if it was given up. `needed` is said where it may not be empty."""

    BINDINGS: ClassVar[list[BindingType]] = [_ESCAPE]

    def __init__(self, title: str, *, about: Text | str = "", needed: str = "", begun: str = "") -> None:
        """`begun` is what already stands in it."""
        super().__init__()
        self._title, self._about, self._needed, self._begun = title, about, needed, begun

    def compose(self) -> ComposeResult:
        with Vertical(classes="window"):
            yield Static(Text(self._title, "bold"))
            yield Static(self._about, id="about")
            yield Input(self._begun, id="line", select_on_focus=True)
            yield Static(Text(f"{self._needed or 'Enter'} · Esc gives up", "dim"), id="said")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if self._needed and not event.value.strip():
            self.query_one("#said", Static).update(Text(self._needed, "bold red"))
            return
        self.dismiss(event.value)


class AnyKey(ModalScreen[str]):
    """The next key."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def compose(self) -> ComposeResult:
        with Vertical(classes="window"):
            yield Static(self._title)

    def on_key(self, event: events.Key) -> None:
        event.stop()
        self.dismiss("" if event.key == "escape" else event.key)


class Help(ModalScreen[str | None]):
    """The keys; what is typed finds what is meant, the best first, and Enter does what is chosen. The action."""

    BINDINGS: ClassVar[list[BindingType]] = [
        _ESCAPE,
        Binding("down", "move(1)", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
    ]

    def __init__(self, keymap: keys.Keymap, *, changes: bool) -> None:
        super().__init__()
        self._keymap = keymap
        self._keys = keys.allowed(changes=changes)

    def compose(self) -> ComposeResult:
        with Vertical(classes="window tall"):
            yield Input(placeholder="type to find, Enter does it, Esc closes", id="line")
            yield OptionList(id="choices")

    def on_mount(self) -> None:
        self.query_one(OptionList).can_focus = False
        self._fill("")

    def on_input_changed(self, event: Input.Changed) -> None:
        self._fill(event.value)

    def _fill(self, text: str) -> None:
        choices = self.query_one(OptionList)
        choices.clear_options()
        for key in found(self._keys, self._keymap, text):
            pressed = keys.signs(self._keymap[key.name])
            line = Text.assemble((f"{pressed:<10} ", "bold"), key.text, (f"  {key.name}", "dim"))
            choices.add_option(Option(line, id=key.action))
        choices.highlighted = 0 if choices.option_count else None

    def action_move(self, direction: int) -> None:
        choices = self.query_one(OptionList)
        choices.action_cursor_down() if direction > 0 else choices.action_cursor_up()

    def on_input_submitted(self) -> None:
        choices = self.query_one(OptionList)
        if choices.highlighted is not None:
            self.dismiss(choices.get_option_at_index(choices.highlighted).id or "")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id or "")


def found(all_of: Sequence[keys.Key], keymap: keys.Keymap, text: str) -> Sequence[keys.Key]:
    """Those that a text may mean, the best first: by a key, or by the letters of each of its words in their order."""
    words = text.split()
    if len(words) == 1:
        by_key = [key for key in all_of if words[0] in keys.signs(keymap[key.name]).split()]
        if by_key and len(words[0]) == 1:
            return by_key
    search = FuzzySearch(case_sensitive=False)
    scored: list[tuple[float, int]] = []
    for number, key in enumerate(all_of):
        each = [search.match(word, f"{key.text} {key.name}")[0] for word in words]
        if all(each):
            scored.append((-sum(each), number))
    return [all_of[number] for _, number in sorted(scored)]
