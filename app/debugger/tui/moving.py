"""The keys that move through a run: by steps, records, rows, breakpoints, marks, what is sought, and by themselves."""

from __future__ import annotations

import glob
import time

from textual import work

from app.debugger import playing, searching
from app.debugger.breakpoints import AtStep
from app.debugger.marks import plain
from app.debugger.threads import Thread
from app.debugger.tui import tabs
from app.debugger.tui.prompts import AnyKey, Line
from app.debugger.tui.rows import Rows
from app.debugger.tui.screen import STOPPED_AT, RunScreen
from app.debugger.tui.scrubber import Scrubber
from ironflow.errors import IronflowError

TYPED_WITHIN_S = 1.5
"""Digits that far apart are not of one number."""


class MovingScreen(RunScreen):
    """All of it goes through the session; the screen shows where that led."""

    _tab_before = "Output"
    _sought = ""
    _typed_at = 0.0
    clock = staticmethod(time.monotonic)

    def on_mount(self) -> None:
        self._marks: dict[str, tuple[Thread, int]] = {}
        if self.playing:
            self.set_timer(playing.FRAME_S, self._play_on)

    def action_step(self, direction: int) -> None:
        self.went(self.session.step(self.thread, direction))

    def action_record(self, direction: int) -> None:
        self.went(self.session.step(self.thread, direction, by_record=True))

    def action_run(self, direction: int) -> None:
        self.went(self.session.run(self.thread, direction))

    def action_row(self, direction: int) -> None:
        number = self.query_one(Rows).beside(direction)
        if number is not None:
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
        digits, self.digits = self.digits, ""
        if len(digits) > 1 and self.clock() - self._typed_at <= TYPED_WITHIN_S:  # one digit alone has chosen a tab
            self.tab = self._tab_before
            self.went(self.session.go(self.thread, self.thread.recording.index_of(int(digits))))
        else:
            self.went(self.session.go(self.thread, 0))

    def action_last(self) -> None:
        self.went(self.session.go(self.thread, self.thread.recording.last))

    def action_digit(self, digit: str) -> None:
        """A tab; or, with those that were typed just before it, a position to go to."""
        now = self.clock()
        if not self.digits or now - self._typed_at > TYPED_WITHIN_S:
            self.digits, self._tab_before = "", self.tab
        self.digits += digit
        self._typed_at = now
        if digit != "0":
            self.tab = tabs.NAMES[int(digit) - 1]
        self.show()

    def action_breakpoint(self) -> None:
        name = self.thread.record.name
        if not name:
            self.notify("There is no step here: go to one first", severity="warning")
            return
        if self.stops.pop(name, None) is None:
            self.stops[name] = AtStep(len(STOPPED_AT) + len(self.stops), glob.escape(name))
        self.session.breakpoints["steps"] = list(self.stops.values())
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
        self._sought = sought = sought.strip() or self._sought
        thread = self.thread
        try:
            found = await self.asked(lambda: searching.next_place(thread.recording, sought, thread.index))
        except IronflowError as error:
            self.failed(error)
            return
        if found is not None:
            self.went(self.session.go(thread, found))
            return
        self.notify(plain(f"Nothing has {self._sought!r}"), severity="warning", markup=False)

    # Playing.

    def action_play(self) -> None:
        """From here, or from the beginning if this is the end."""
        self.playing = not self.playing
        if self.playing:
            if self.thread.index == self.thread.recording.last:
                self.thread.index = 0
            self._wait()
        self.show()

    def action_speed(self, direction: int) -> None:
        self.speed = playing.changed(self.speed, direction)
        self.show()
        if not self.playing:
            self.notify(f"It would play at {self.speed:g}x", timeout=2)

    def _play_on(self) -> None:
        """The next record, unless it was stopped meanwhile."""
        if not self.playing:
            return
        self.thread.index = min(self.thread.index + 1, self.thread.recording.last)
        self.looking.hunk = 0
        self._wait()
        self.show()

    def _wait(self) -> None:
        records, index = self.thread.recording.records, self.thread.index
        if index == len(records) - 1:
            self.playing = False
            return
        self.set_timer(playing.pause_s(records[index], records[index + 1], self.speed), self._play_on)
