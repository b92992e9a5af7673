"""The run on the screen: steps, the inspector beside them, the scrubber below; and the keys that move through it."""

from __future__ import annotations

import asyncio
import glob
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar, TypeVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from app.debugger.breakpoints import AtFailure, AtStep, compiled
from app.debugger.marks import STATUS, plain
from app.debugger.session import Session, Stop, Thread
from app.debugger.steps import Steps
from app.debugger.tui import keys, tabs
from app.debugger.tui.prompts import AnyKey, Help, Line
from app.debugger.tui.rows import Rows
from app.debugger.tui.scrubber import Scrubber
from app.errors import IronflowError as OurError
from ironflow.errors import IronflowError

FOLLOWED_EVERY_S = 1.0
STOPPED_AT = ("step_failed", "run_failed", "patched")

T = TypeVar("T")


class RunScreen(Screen[None]):
    """Where recordings are is asked for in a thread of its own, one question after the other: keys never wait."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings()]
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - so it is declared
        (0, "-narrow"),
        (100, "-wide"),
    ]

    def __init__(self, session: Session, thread: Thread, looking: tabs.Looking, *, following: bool = False) -> None:
        super().__init__()
        self.session, self.thread, self.looking = session, thread, looking
        self.following = following
        self.tab = "Output"
        self._steps: dict[str, Steps] = {}
        self._stops: dict[str, AtStep] = {}
        self._marks: dict[str, tuple[Thread, int]] = {}
        self._digits = ""
        self._tab_before = self.tab
        self._sought = ""
        self._one = ThreadPoolExecutor(1, thread_name_prefix="inspect")
        session.breakpoints["failures"] = [AtFailure(number, name) for number, name in enumerate(STOPPED_AT)]

    def compose(self) -> ComposeResult:
        yield Static(id="header")
        with Container(id="panes"):
            yield Rows(id="rows")
            with Vertical(id="inspector"):
                yield Static(id="tabs")
                with VerticalScroll(id="body", can_focus=False):
                    yield Static(id="content")
        yield Scrubber(id="scrubber")
        yield Static(Text(keys.footer(changes=self.session.changes is not None), "dim"), id="footer")

    def on_mount(self) -> None:
        self.set_interval(FOLLOWED_EVERY_S, self._take_up)
        self.show()

    def on_unmount(self) -> None:
        self._one.shutdown(wait=False, cancel_futures=True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that change runs do nothing where nothing can be changed."""
        changing = {key.action for key in keys.KEYS if key.changes}
        return action not in changing or self.session.changes is not None

    async def asked(self, ask: Callable[[], T]) -> T:
        """What the place where recordings are answers. Raises what the SDK raises."""
        return await asyncio.get_running_loop().run_in_executor(self._one, ask)

    # Showing.

    @property
    def steps(self) -> Steps:
        recording = self.thread.recording
        steps = self._steps.get(recording.run_id)
        if steps is None:
            steps = self._steps[recording.run_id] = Steps(recording)
        return steps

    def show(self) -> None:
        """All of it, as of the place."""
        thread, recording = self.thread, self.thread.recording
        self.query_one(Rows).follow(recording, self.steps, thread.index, self._stops)
        self.query_one(Scrubber).follow(recording, thread.index)
        self.query_one("#header", Static).update(self._header())
        names: list[tuple[str, str]] = []
        for number, name in enumerate(tabs.NAMES, 1):
            names += [(f"{number} {name}", "reverse bold" if name == self.tab else "dim"), (" ", "")]
        self.query_one("#tabs", Static).update(Text.assemble(*names, no_wrap=True))
        self.tell()

    def _header(self) -> Text:
        thread, recording = self.thread, self.thread.recording
        status = recording.status(thread.index)
        edits = sum(record.kind in ("step.patched", "step.injected") for record in recording.records)
        later = recording.last - thread.index
        depth = "" if thread.parent is None else "↳ "
        return Text.assemble(
            (f" {depth}{plain(recording.function_id)}", "bold"),
            f"  {recording.run_id}  ",
            (f"{STATUS.get(status, ('·',))[0]} {status}", "bold"),
            (f"  ◇{edits}" if edits else "", "magenta"),
            (f"  [PAST {thread.index + 1}/{recording.last + 1}]" if later else "", "yellow"),
            ("  ● follows" if self.following else "", "green"),
            (f" +{later}" if later and self.following else "", "green"),
            ("  read-only" if self.session.changes is None else "", "dim"),
            no_wrap=True,
            overflow="ellipsis",
        )

    @work(exclusive=True, group="tell")
    async def tell(self) -> None:
        """The tab."""
        name, thread = self.tab, self.thread
        content = self.query_one("#content", Static)
        try:
            content.update(await self.asked(lambda: tabs.told(name, self.session, thread, self.looking)))
        except (IronflowError, OurError) as error:
            content.update(Text(plain(f"{error}"), "bold red"))
        self.query_one("#body", VerticalScroll).scroll_home(animate=False)

    def went(self, stop: Stop) -> None:
        """Show where a move led."""
        self.thread = stop.thread
        self._digits = ""
        if stop.reason in ("pause", "entry"):
            self.notify(stop.text, timeout=2)
        self.show()

    def failed(self, error: Exception) -> None:
        hint = getattr(error, "hint", "")
        self.notify(plain(str(error)) + (f"\n{plain(hint)}" if hint else ""), severity="error", markup=False)

    # Moving.

    def action_step(self, direction: int) -> None:
        self.went(self.session.step(self.thread, direction))

    def action_record(self, direction: int) -> None:
        self.went(self.session.step(self.thread, direction, by_record=True))

    def action_run(self, direction: int) -> None:
        self.went(self.session.run(self.thread, direction))

    def action_row(self, direction: int) -> None:
        number = self.steps.number(self.thread.index) + direction
        if 0 <= number < len(self.steps.rows):
            self.went(self.session.go(self.thread, self.steps.rows[number].places[-1]))

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        self.went(self.session.go(self.thread, self.steps.rows[event.number].places[-1]))

    def on_scrubber_chosen(self, event: Scrubber.Chosen) -> None:
        self.went(self.session.go(self.thread, event.index))

    @work(exclusive=True, group="move")
    async def action_into(self) -> None:
        try:
            self.went(await self.asked(lambda: self.session.step_in(self.thread)))
        except IronflowError as error:  # a bundle has one run
            self.failed(error)

    def action_out(self) -> None:
        self.went(self.session.step_out(self.thread))

    def action_first(self) -> None:
        digits, self._digits = self._digits, ""
        if len(digits) > 1:  # one digit alone has chosen a tab
            self.tab = self._tab_before
            self.went(self.session.go(self.thread, self.thread.recording.index_of(int(digits))))
        else:
            self.went(self.session.go(self.thread, 0))

    def action_last(self) -> None:
        self.went(self.session.go(self.thread, self.thread.recording.last))

    def action_digit(self, digit: str) -> None:
        """A tab; or, with those before it, a position to go to."""
        if not self._digits:
            self._tab_before = self.tab
        self._digits += digit
        chosen = len(self._digits) == 1 and 1 <= int(digit) <= len(tabs.NAMES)
        self.tab = tabs.NAMES[int(digit) - 1] if chosen else self._tab_before
        self.show()

    def action_breakpoint(self) -> None:
        name = self.thread.record.name
        if not name:
            self.notify("There is no step here: n goes to one", severity="warning")
            return
        if self._stops.pop(name, None) is None:
            self._stops[name] = AtStep(len(STOPPED_AT) + len(self._stops), glob.escape(name))
        self.session.breakpoints["steps"] = list(self._stops.values())
        self.show()

    @work
    async def action_mark(self) -> None:
        key = await self.app.push_screen_wait(AnyKey("Mark this place as … (a key)"))
        if key:
            self._marks[key] = (self.thread, self.thread.index)
            self.notify(f"' and {key} lead back here", timeout=2, markup=False)

    @work
    async def action_jump(self) -> None:
        named = " ".join(self._marks) or "there are none: m sets one"
        key = await self.app.push_screen_wait(AnyKey(f"Jump to which mark? {named}"))
        if key in self._marks:
            thread, index = self._marks[key]
            self.went(self.session.go(thread, index))

    @work
    async def action_search(self) -> None:
        sought = await self.app.push_screen_wait(Line("Search", about="Nothing: what was sought before"))
        if sought is None:
            return
        self._sought = sought.strip().lower() or self._sought
        records, here = self.thread.recording.records, self.thread.index
        for index in (*range(here + 1, len(records)), *range(here + 1)):
            record = records[index]
            if self._sought in f"{record.name}\n{record.summary}\n{record.message}\n{record.reason}".lower():
                self.went(self.session.go(self.thread, index))
                return
        self.notify(plain(f"Nothing has {self._sought!r}"), severity="warning", markup=False)

    # Following.

    def action_follow(self) -> None:
        self.following = not self.following
        self.show()
        self._take_up()

    @work(exclusive=True, group="follow")
    async def _take_up(self) -> None:
        if self.following:
            await self.take_up()

    async def take_up(self) -> None:
        """What was recorded since; who was at the end stays there."""
        thread = self.thread
        at_end = thread.index == thread.recording.last
        try:
            new = await self.asked(thread.recording.refresh)
        except IronflowError as error:
            self.following = False
            self.failed(error)
            return
        if new:
            self._steps[thread.recording.run_id].refresh()
            if at_end:
                thread.index = thread.recording.last
            self.show()

    # Looking.

    def action_compare(self) -> None:
        self.looking.compared = None if self.looking.compared is not None else self.thread.index
        self.tab = "Diff"
        self.show()

    @work
    async def action_watch(self) -> None:
        text = await self.app.push_screen_wait(Line("Watch an expression in CEL", about="such as state.charge.amount"))
        if not text or not text.strip():
            return
        try:
            compiled(text.strip())
        except OurError as error:
            self.failed(error)
            return
        self.looking.watches.append(text.strip())
        self.tab = "Watch"
        self.show()

    @work
    async def action_copy(self) -> None:
        thread = self.thread
        try:
            step = await self.asked(lambda: thread.recording.step(thread.index))
            value = step.output if step else (await self.asked(lambda: thread.recording.state(thread.index))).output
        except IronflowError as error:
            self.failed(error)
            return
        self.app.copy_to_clipboard(json.dumps(value, ensure_ascii=False, indent=2))
        self.notify("Copied", timeout=2)

    def action_copy_path(self) -> None:
        self.app.copy_to_clipboard(self.thread.record.path)
        self.notify(plain(f"Copied {self.thread.record.path}"), timeout=2, markup=False)

    def action_tab(self, direction: int) -> None:
        number = (tabs.NAMES.index(self.tab) + direction) % len(tabs.NAMES)
        self.tab = tabs.NAMES[number]
        self._digits = ""
        self.show()

    def action_scroll(self, direction: int) -> None:
        body = self.query_one("#body", VerticalScroll)
        body.scroll_page_down(animate=False) if direction > 0 else body.scroll_page_up(animate=False)

    def action_zoom(self) -> None:
        self.query_one("#panes").toggle_class("zoomed")

    @work
    async def action_help(self) -> None:
        action = await self.app.push_screen_wait(Help(changes=self.session.changes is not None))
        if action:
            await self.run_action(action)

    def action_runs(self) -> None:
        self.app.run_worker(self.app.choose())  # type: ignore[attr-defined]

    def action_quit(self) -> None:
        self.app.exit()
