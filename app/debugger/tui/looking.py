"""The keys that look: at tabs, differences, where values came from, at fewer rows, and outside of the debugger."""

from __future__ import annotations

import json

from textual import work
from textual.containers import VerticalScroll

from app.debugger.breakpoints import compiled
from app.debugger.marks import plain
from app.debugger.tui import outside, tabs, themes
from app.debugger.tui.comparing import ComparisonScreen
from app.debugger.tui.moving import MovingScreen
from app.debugger.tui.prompts import Help, Line
from app.debugger.tui.screen import NotComparable
from app.debugger.values import BadPath
from app.errors import IronflowError as OurError
from ironflow.errors import IronflowError


class LookingScreen(MovingScreen):
    """Nothing here changes a run."""

    def action_tab(self, direction: int) -> None:
        number = (tabs.NAMES.index(self.tab) + direction) % len(tabs.NAMES)
        self._choose(tabs.NAMES[number])

    def _choose(self, tab: str) -> None:
        self.tab = tab
        self.digits = ""
        self.show()

    def action_scroll(self, direction: int) -> None:
        body = self.query_one("#body", VerticalScroll)
        body.scroll_page_down(animate=False) if direction > 0 else body.scroll_page_up(animate=False)

    def action_zoom(self) -> None:
        self.query_one("#panes").toggle_class("zoomed")

    def action_theme(self) -> None:
        names = themes.NAMES
        chosen = names[(names.index(self.home.look) + 1) % len(names)]
        self.home.dress(chosen)
        self.notify(f"Theme: {chosen}", timeout=2)

    def action_compare(self) -> None:
        self.looking.compared = None if self.looking.compared is not None else self.thread.index
        self.looking.hunk = 0
        self._choose("Diff")

    @work
    async def action_beside(self) -> None:
        if self.home.is_offline:
            self.notify("A bundle has no other run: both have to be on a server", severity="warning")
            return
        about = "The id of a run, or its beginning. Nothing: the last that went well before it"
        other = await self.app.push_screen_wait(Line("Beside which run?", about=about))
        if other is not None:
            await self.compare_with(other.strip())

    async def compare_with(self, other: str) -> None:
        """Show the run beside another."""
        run_id = self.thread.recording.run_id
        try:
            diff = await self.asked(lambda: self.home.compared(run_id, other))
        except (IronflowError, NotComparable) as error:
            self.failed(error)
            return
        self.app.push_screen(ComparisonScreen(diff, self.keymap, self._closer))

    def _closer(self, position: int) -> None:
        self.went(self.session.go(self.thread, self.thread.recording.index_of(position)))

    def action_hunk(self, direction: int) -> None:
        """To another difference; the tab keeps to those that there are."""
        self.looking.hunk += direction if self.tab == "Diff" else 0
        self._choose("Diff")

    @work
    async def action_filter(self) -> None:
        about = "Words that a row has to have, or with a minus may not: failed, charge -completed. Nothing: all rows"
        only = await self.app.push_screen_wait(Line("Only the rows that have …", about=about, begun=self.only))
        if only is not None:
            self.only = only.strip()
            self.show()

    @work
    async def action_why(self) -> None:
        thread = self.thread
        about = "A path into the state, such as charge.amount: to the record that wrote what it is here"
        path = await self.app.push_screen_wait(Line("Why is it so?", about=about, begun=thread.record.name))
        if not path or not path.strip():
            return
        try:
            found = await self.asked(lambda: self.session.wrote(thread, path.strip().removeprefix("state.")))
        except (IronflowError, BadPath) as error:
            self.failed(error)
            return
        if found is None:
            self.notify(plain(f"Nothing has written {path.strip()} by here"), severity="warning", markup=False)
            return
        self.tab = "Diff"
        self.went(self.session.go(thread, found))

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
        self._choose("Watch")

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

    @work
    async def action_view(self) -> None:
        text = await self.tab_text()
        try:
            outside.view(self.app, f"{text.plain}\n", f"{self.tab.lower()}.txt")
        except outside.NotShown as error:
            self.failed(error)

    def action_web(self) -> None:
        url = self.home.web_url(self.thread.recording.run_id, self.thread.record.position)
        if not url:
            self.notify("A bundle is not in the dashboard", severity="warning")
            return
        self.app.open_url(url)
        self.notify(plain(url), timeout=4, markup=False)

    @work
    async def action_help(self) -> None:
        action = await self.app.push_screen_wait(Help(self.keymap, changes=self.may_change))
        if action:
            await self.run_action(action)

    def action_runs(self) -> None:
        self.app.run_worker(self.home.choose())

    def action_quit(self) -> None:
        self.app.exit()
