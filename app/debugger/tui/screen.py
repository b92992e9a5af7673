"""The run on the screen: steps, the inspector beside them, the scrubber below; as of a place, or following."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Protocol, TypeVar, cast

from rich.text import Text
from textual import events, work
from textual.app import ComposeResult
from textual.binding import BindingsMap
from textual.containers import Container, Vertical, VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from app.debugger.breakpoints import AtFailure, AtStep
from app.debugger.marks import COLORS, STATUS, plain
from app.debugger.session import Session
from app.debugger.steps import Steps
from app.debugger.threads import Stop, Thread
from app.debugger.tui import keys, tabs
from app.debugger.tui.happenings import Happenings
from app.debugger.tui.rows import Rows
from app.debugger.tui.scrubber import Scrubber
from app.errors import IronflowError as OurError
from ironflow.comparing import RunDiff
from ironflow.errors import IronflowError

STOPPED_AT = ("step_failed", "run_failed", "patched")
SIZE_MIN = (60, 16)

T = TypeVar("T")


class Home(Protocol):
    """What the application is asked for by a screen. `look` is the theme's name, `place` where recordings are, without
    a server where it `is_offline`; `happenings` tells what is recorded of a run meanwhile, None where nothing is."""

    look: str
    place: str
    is_offline: bool
    happenings: Happenings | None

    def dress(self, look: str) -> None: ...
    def web_url(self, run_id: str, position: int) -> str:
        """Of the dashboard; "" where there is none."""
        ...

    async def choose(self) -> None: ...
    def compared(self, run_id: str, other: str) -> RunDiff:
        """How a run differs from another, from the last good one of its function if none is named. Raises what the SDK
        raises, NotComparable."""
        ...


class NotComparable(Exception):
    """Why there is nothing to compare with, for people."""


class RunScreen(Screen[None]):
    """Where recordings are is asked for in a thread of its own, one question after the other: keys never wait."""

    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - so it is declared
        (0, "-narrow"),
        (100, "-wide"),
    ]

    def __init__(
        self,
        session: Session,
        thread: Thread,
        looking: tabs.Looking,
        *,
        keymap: keys.Keymap = keys.DEFAULT,
        following: bool = False,
        locked: bool = False,
    ) -> None:
        """`locked`: the keys that change runs do nothing before they are unlocked."""
        super().__init__()
        self._bindings.key_to_bindings.update(BindingsMap(keys.bindings(keymap)).key_to_bindings)
        self.session, self.thread, self.looking = session, thread, looking
        self.keymap = keymap
        self.following = following
        self.locked = locked
        self.playing, self.speed = False, 1.0
        self.only = ""
        self.tab = "Output"
        self.stops: dict[str, AtStep] = {}
        self.digits = ""
        self._steps: dict[str, Steps] = {}
        self._versions: dict[str, int] = {}
        self._tags: dict[str, Sequence[str]] = {}
        self._followed = ""
        self._one = ThreadPoolExecutor(1, thread_name_prefix="inspect")
        session.breakpoints["failures"] = [AtFailure(number, name) for number, name in enumerate(STOPPED_AT)]

    def compose(self) -> ComposeResult:
        yield Static(id="header")
        yield Static(id="small")
        with Container(id="panes"):
            yield Rows(id="rows")
            with Vertical(id="inspector"):
                yield Static(id="tabs")
                with VerticalScroll(id="body", can_focus=False):
                    yield Static(id="content")
        yield Scrubber(id="scrubber")
        yield Static(id="footer")

    def on_mount(self) -> None:
        self.show_keys()
        self.show()

    def on_unmount(self) -> None:
        self._one.shutdown(wait=False, cancel_futures=True)

    def on_resize(self, event: events.Resize) -> None:
        width, height = event.size
        small = width < SIZE_MIN[0] or height < SIZE_MIN[1]
        self.set_class(small, "-small")
        if small:
            said = (
                f"{width}x{height} is too small: the debugger needs {SIZE_MIN[0]}x{SIZE_MIN[1]}. Enlarge the terminal,"
            )
            quits = keys.signs(self.keymap["quit"]).split(" ")[0] or "ctrl+q"
            run_id = self.thread.recording.run_id
            self.query_one("#small", Static).update(
                Text(f"{said} or {quits} quits, and it is told in lines by: ironflow inspect {plain(run_id)} --plain")
            )
        self.call_after_refresh(self._show_tabs)  # when they have their room

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that change runs do nothing where nothing can be changed."""
        changing = {key.action for key in keys.KEYS if key.changes}
        return action not in changing or self.may_change

    def on_key(self, event: events.Key) -> None:
        """Those say why."""
        pressed = (self.keymap[key.name].split(",") for key in keys.KEYS if key.changes)
        if self.may_change or not any(event.key in one for one in pressed):
            return
        if self.locked:
            why = f"{self.home.place} is production: {keys.signs(self.keymap['unlock'])} allows changes"
        elif self.home.is_offline:
            why = "A bundle is only read: what happens next of a run is changed on its server"
        else:
            why = "Begun with --read-only: nothing is changed from here"
        self.notify(plain(why), severity="warning", markup=False)

    @property
    def may_change(self) -> bool:
        return self.session.changes is not None and not self.locked

    def show_keys(self) -> None:
        """The line at the bottom."""
        told = keys.footer(self.keymap, changes=self.may_change)
        self.query_one("#footer", Static).update(Text(told, "dim", no_wrap=True, overflow="ellipsis"))

    async def asked(self, ask: Callable[[], T]) -> T:
        """What the place where recordings are answers. Raises what the SDK raises."""
        return await asyncio.get_running_loop().run_in_executor(self._one, ask)

    @property
    def home(self) -> Home:
        return cast("Home", self.app)

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
        self.query_one(Rows).follow(recording, self.steps, thread.index, self.stops, self.only)
        self.query_one(Scrubber).follow(recording, thread.index)
        self.query_one("#header", Static).update(self._header(), layout=False)
        self._show_tabs()
        self.tell()
        if recording.run_id not in self._versions:
            self._look_up_version()
        if self.following and self._followed != recording.run_id:
            self.follow()

    def _show_tabs(self) -> None:
        """Their names, with the digits that choose them where there is room."""
        shown = self.query_one("#tabs", Static)
        numbered = [f"{number} {name}" for number, name in enumerate(tabs.NAMES, 1)]
        room = shown.size.width >= sum(map(len, numbered)) + len(numbered)
        cells: list[tuple[str, str]] = []
        for text, name in zip(numbered if room else tabs.NAMES, tabs.NAMES, strict=True):
            cells += [(text, "reverse bold" if name == self.tab else "dim"), (" ", "")]
        shown.update(Text.assemble(*cells, no_wrap=True), layout=False)

    def _header(self) -> Text:
        thread, recording = self.thread, self.thread.recording
        status = recording.status(thread.index)
        later = recording.last - thread.index
        depth = "" if thread.parent is None else "↳ "
        icon, _, color = STATUS.get(status, ("·", "", ""))
        edits = len(recording.places.edits)
        version, attempt = self._versions.get(recording.run_id, 0), recording.attempt(thread.index)
        return Text.assemble(
            (f" {depth}{plain(recording.function_id)}", "bold"),
            (f"@{version}" if version else "", "dim"),
            f"  {recording.run_id}  ",
            (f"{icon} {status}", f"bold {COLORS.get(color, '')}"),
            (f"  attempt {attempt}" if attempt else ""),
            (f"  ◇{edits}" if edits else "", "magenta"),
            ("".join(f"  #{plain(tag)}" for tag in self._tags.get(recording.run_id, ())), "blue"),
            (f"  [PAST {thread.index + 1}/{recording.last + 1}]" if later else "", "yellow"),
            (f"  ▶ plays {self.speed:g}x" if self.playing else "", "cyan"),
            ("  ● follows" if self.following else "", "green"),
            (f" +{later}" if later and self.following else "", "green"),
            (f"  * {plain(self.only)}" if self.only else "", "yellow"),
            ("  read-only" if not self.may_change else "", "yellow" if self.locked else "dim"),
            (f"  {plain(self.home.place)}", "dim"),
            no_wrap=True,
            overflow="ellipsis",
        )

    @work(exclusive=True, group="tell")
    async def tell(self) -> None:
        """The tab."""
        content = self.query_one("#content", Static)
        content.update(await self.tab_text())
        self.query_one("#body", VerticalScroll).scroll_home(animate=False)

    @work(group="version")
    async def _look_up_version(self) -> None:
        """That of the function, which a run keeps, and its tags, for the header."""
        recording = self.thread.recording
        self._versions.setdefault(recording.run_id, 0)
        with suppress(IronflowError):  # the tab tells what is wrong
            head = await self.asked(lambda: recording.head(recording.last))
            self._versions[recording.run_id], self._tags[recording.run_id] = head.function_version, head.tags
            self.query_one("#header", Static).update(self._header(), layout=False)

    async def tab_text(self) -> Text:
        """The content of the tab; why there is none, if it is refused."""
        name, thread = self.tab, self.thread
        try:
            return await self.asked(lambda: tabs.told(name, self.session, thread, self.looking))
        except (IronflowError, OurError) as error:
            return Text(plain(f"{error}"), "bold red")

    def went(self, stop: Stop) -> None:
        """Show where a move of the person led: nothing plays on from there."""
        self.thread = stop.thread
        self.digits = ""
        self.looking.hunk = 0
        self.playing = False
        if stop.reason in ("pause", "entry"):
            self.notify(stop.text, timeout=2)
        self.show()

    def failed(self, error: Exception) -> None:
        hint = getattr(error, "hint", "")
        self.notify(plain(str(error)) + (f"\n{plain(hint)}" if hint else ""), severity="error", markup=False)

    # Following.

    def action_follow(self) -> None:
        self.following = not self.following
        self._followed = ""
        self.show()
        if not self.following:
            self.workers.cancel_group(self, "follow")

    @work(exclusive=True, group="follow")
    async def follow(self) -> None:
        """Take up what is recorded of the run, as it is recorded."""
        recording = self.thread.recording
        self._followed = recording.run_id
        await self.take_up()
        if (happenings := self.home.happenings) is None:
            return
        try:
            async for position in happenings(recording.run_id, recording.records[-1].position):
                if position > recording.records[-1].position:
                    await self.take_up()
        except IronflowError as error:
            self.follow_no_more(error)

    def follow_no_more(self, error: IronflowError) -> None:
        """What is recorded cannot be heard of."""
        self.following, self._followed = False, ""
        self.failed(error)
        self.show()

    async def take_up(self) -> None:
        """What was recorded since; who was at the end stays there."""
        thread = self.thread
        at_end = thread.index == thread.recording.last
        try:
            new = await self.asked(thread.recording.refresh)
        except IronflowError as error:
            self.follow_no_more(error)
            return
        if new:
            self._steps[thread.recording.run_id].refresh()
            if at_end:
                thread.index = thread.recording.last
            if any(record.kind == "run.tagged" for record in thread.recording.records[-new:]):
                self._look_up_version()
            self.show()
