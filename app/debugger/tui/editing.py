"""Another output for a step: JSON, with what differs and what would come of it, a reason, and how to go on."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, Literal, NamedTuple

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static, TextArea

from app import differences
from app.debugger.marks import plain
from app.debugger.tui import outside
from app.debugger.tui.tabs import told_differences

DIFFERENCES_SHOWN = 6


class Edited(NamedTuple):
    output: Any
    reason: str
    then: Literal["only", "resume", "fork"]


class EditOutput(ModalScreen[Edited | None]):
    """Nothing is sent before a button is pressed. `plan` tells what would come of it; `verb` is Patch or Inject."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "nothing", show=False),
        Binding("ctrl+e", "outside", "in $EDITOR", show=False, priority=True),
    ]

    def __init__(
        self, name: str, verb: str, output: Any, plan: Callable[[Any], Awaitable[Text]], *, begun: Any
    ) -> None:
        """`begun` is what is in the window, `output` what the step has."""
        super().__init__()
        self._begun = begun
        self._name_shown, self._verb, self._output, self._plan = name, verb, output, plan

    def compose(self) -> ComposeResult:
        with Vertical(classes="window tall"):
            told = (plain(f"Another output for {self._name_shown}"), "bold")
            yield Static(Text.assemble(told, ("  ctrl+e: in $EDITOR", "dim")))
            yield TextArea(json.dumps(self._begun, ensure_ascii=False, indent=2), id="text")
            yield Static(id="difference")
            yield Static(id="plan")
            yield Input(placeholder="reason: it is recorded with the change", id="line")
            with Horizontal(id="buttons"):
                yield Button(f"{self._verb} only", id="only")
                yield Button(f"{self._verb} & resume", id="resume", variant="primary")
                if self._verb == "Patch":
                    yield Button("Try on a fork", id="fork")

    def on_mount(self) -> None:
        self.on_text_area_changed()

    def action_outside(self) -> None:
        """Write it in the user's editor, and come back with what is written."""
        text = self.query_one("#text", TextArea)
        try:
            text.text = outside.edited(self.app, text.text, "output.json").rstrip("\n")
        except outside.NotShown as error:
            self.notify(plain(str(error)), severity="error", markup=False)

    def on_text_area_changed(self) -> None:
        shown = self.query_one("#difference", Static)
        try:
            output = self._written()
        except ValueError as error:
            shown.update(Text(f"this is not JSON: {error}", "bold red"))
            self.query_one("#plan", Static).update("")
            return
        found, more = differences.first(self._output, output, DIFFERENCES_SHOWN)
        rest = ("…" if more else "", "dim")
        shown.update(Text.assemble(told_differences(found), rest) if found else Text("as it is", "dim"))
        self.tell_plan(output)

    @work(exclusive=True, group="plan")
    async def tell_plan(self, output: Any) -> None:
        self.query_one("#plan", Static).update(await self._plan(output))

    def on_input_submitted(self) -> None:
        self.query_one("#only", Button).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        reason = self.query_one("#line", Input)
        try:
            output = self._written()
        except ValueError:
            self.query_one("#text").focus()
            return
        if not reason.value.strip():
            reason.focus()
            self.notify("Give a reason: it is recorded with the change", severity="warning")
            return
        then: Any = event.button.id
        self.dismiss(Edited(output, reason.value.strip(), then))

    def _written(self) -> Any:
        """Raises ValueError."""
        return json.loads(self.query_one("#text", TextArea).text)


def plan_text(plan: Mapping[str, Any]) -> Text:
    """A server's plan in a line a step that does not stay as it is."""
    lines: list[Any] = []
    for step in plan["steps"]:
        if step["fate"] != "kept":
            repeats = "  may repeat its effects" if step.get("repeats") else ""
            lines += [plain(f"{step['name']}  "), (plain(step["fate"]), "bold"), (repeats, "yellow"), "\n"]
    kept = sum(step["fate"] == "kept" for step in plan["steps"])
    lines.append((f"{kept} kept as recorded\n" if kept else "", "dim"))
    for warning in plan.get("warnings", ()):
        lines += [(plain(f"! {warning}"), "yellow"), "\n"]
    return Text.assemble(*lines)
