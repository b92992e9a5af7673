"""The application: which run is on the screen, and how it looks."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from textual import work
from textual.app import App

from app.debugger.marks import plain
from app.debugger.recording import Source
from app.debugger.session import Changes, Session
from app.debugger.tui import outside, themes
from app.debugger.tui.changing import ChangingScreen
from app.debugger.tui.happenings import Happenings
from app.debugger.tui.keys import DEFAULT, Keymap
from app.debugger.tui.loading import Counted, Loading, shown
from app.debugger.tui.picker import Changes as RunChanges
from app.debugger.tui.picker import Picker
from app.debugger.tui.screen import NotComparable, RunScreen
from app.debugger.tui.tabs import Looking
from ironflow import Client
from ironflow.comparing import RunDiff
from ironflow.errors import IronflowError

RUNS_SHOWN = 200


class Inspector(App[None]):
    """Without `changes` nothing can be changed, without `client` no other run be chosen and no audit be read."""

    TITLE = "ironflow inspect"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #header { height: 1; background: $panel; }
    #small { display: none; height: 1fr; padding: 1 2; }
    #panes { height: 1fr; layout: horizontal; }
    #rows { width: 1fr; border-right: solid $line; }
    #inspector { width: 1fr; }
    #tabs { height: 1; }
    #body { height: 1fr; padding: 0 1; }
    #beside { height: 2fr; border-bottom: solid $line; }
    #scrubber { height: 3; border-top: solid $line; }
    #footer { height: 1; padding: 0 1; }
    .-narrow #panes { layout: vertical; }
    .-narrow #rows { width: 100%; height: 1fr; border-right: none; border-bottom: solid $line; }
    .-narrow #inspector { width: 100%; height: 1fr; }
    .-small #panes, .-small #scrubber, .-small #footer { display: none; }
    .-small #small { display: block; }
    .zoomed #rows { display: none; }
    ModalScreen { align: center middle; }
    .window { width: 90%; max-width: 110; height: auto; max-height: 90%; border: round $primary; padding: 0 1; }
    .tall { height: 80%; }
    .window #about, .window #said { height: auto; }
    .window Input, .window Input:focus { border: none; height: 1; padding: 0 1; background: $panel; }
    #choices, #choices:focus { height: 1fr; border: none; padding: 0; text-wrap: nowrap; text-overflow: ellipsis; }
    #text { height: 1fr; min-height: 4; }
    #difference, #plan { height: auto; max-height: 8; padding: 0 1; }
    #buttons { height: 3; }
    #three { height: auto; max-height: 20; }
    #buttons Button { margin-right: 1; }
    """

    def __init__(
        self,
        source: Source,
        changes: Changes | None,
        run_id: str,
        *,
        at: str | None = None,
        following: bool = False,
        playing: float | None = None,
        compare: str | None = None,
        client: Client | None = None,
        keymap: Keymap = DEFAULT,
        look: str = "dark",
        happenings: Happenings | None = None,
        arrivals: RunChanges | None = None,
        locked: bool = False,
    ) -> None:
        """With `run_id` empty the person chooses. `at` is a position or a time; `playing` the speed to play at from
        there, or from the beginning; `compare` a position, or another run ("" for the last good one); `look` a theme's
        name. `arrivals` tells when something happened to any run. Where it is `locked`, changes have to be allowed
        first."""
        super().__init__()
        self._source = Counted(source)
        self._session = Session(self._source, changes)
        self._run_id, self._at, self._following, self._client = run_id, at, following, client
        self._playing, self._compare, self._keymap = playing, compare, keymap
        self.look, self.happenings, self._arrivals, self._locked = look, happenings, arrivals, locked
        self.is_offline = client is None
        self.place = "bundle" if client is None else f"env {client.environment}"
        self.refused: Exception | None = None
        for name in themes.TOKENS:
            self.register_theme(themes.theme(name))
        self.dress(look)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {"line": "ansi_bright_black", "chosen": "ansi_default"}

    def dress(self, look: str) -> None:
        """Look as a theme says."""
        self.look = look
        if look in themes.TOKENS:
            self.ansi_theme_dark = self.ansi_theme_light = themes.palette(look)
            self.theme = f"ironflow-{look}"
        else:
            self.theme = "ansi-dark"

    def on_mount(self) -> None:
        self.begin()

    @work
    async def begin(self) -> None:
        if self._run_id:
            self.open(self._run_id, at=self._at)
        else:
            await self.choose(at=self._at)

    async def choose(self, *, at: str | None = None) -> None:
        """Ask which run, and show it; without an answer things stay as they are, and end where nothing was shown."""
        if self._client is None:
            self.notify("A bundle has one run", severity="warning")
            return
        run_id = await self.push_screen_wait(Picker(self._runs, self._arrivals))
        if run_id:
            self.open(run_id, at=at)
        elif not isinstance(self.screen, RunScreen):
            self.exit()

    @work(exclusive=True, group="open")
    async def open(self, run_id: str, *, at: str | None = None) -> None:
        """Show a run, at its end or as of a position or a time, once it is loaded."""
        loading = Loading(run_id, lambda: self._source.count, self._open_no_more)
        try:
            thread = await shown(self, loading, lambda: self._session.open(run_id))
            gc.freeze()  # records stay as long as we do: no need to look among 100,000 for garbage, between two keys
            begin = thread.recording.last if self._playing is None else 0
            thread.index = begin if at is None else thread.recording.place(at)
        except (IronflowError, ValueError) as error:
            if isinstance(self.screen, RunScreen):
                self.notify(plain(str(error)), severity="error", markup=False)
            else:
                self.refused = error
                self.exit()
            return
        if isinstance(self.screen, RunScreen):
            self.screen.thread = thread
            self.screen.show()
            return
        looking = Looking(audit=self._audit(), lineage=self._lineage())
        how: dict[str, Any] = {"following": self._following, "locked": self._locked}
        screen = ChangingScreen(self._session, thread, looking, keymap=self._keymap, **how)
        if self._playing is not None:
            screen.playing, screen.speed = True, self._playing
            self._playing = None  # another run is shown at its end
        if (compare := self._compare) is not None and compare.isdecimal():
            looking.compared, screen.tab = thread.recording.index_of(int(compare)), "Diff"
        self.push_screen(screen)
        if compare is not None and not compare.isdecimal():
            self.run_worker(screen.compare_with(compare))
        self._compare = None

    def _open_no_more(self) -> None:
        """The person does not want to wait for the run."""
        self.workers.cancel_group(self, "open")
        if not any(isinstance(screen, RunScreen) for screen in self.screen_stack):
            self.exit()

    def _lineage(self) -> Callable[[str], Mapping[str, Any]] | None:
        client = self._client
        return None if client is None else lambda run_id: client.runs.lineage(run_id)

    def compared(self, run_id: str, other: str) -> RunDiff:
        """How a run differs from another; without one, from the last good one of its function. Raises what the SDK
        raises, NotComparable."""
        if self._client is None:
            raise NotComparable("A bundle has no other run: both have to be on a server")
        if not other:
            good = self._client.runs.last_good(run_id)
            if good is None:
                raise NotComparable(f"No run of its function went well before {run_id}: give the other one")
            other = str(good.run["id"])
        return self._client.runs.compare(other, run_id)

    def web_url(self, run_id: str, position: int) -> str:
        """Of a place in the dashboard; "" for a bundle."""
        client = self._client
        return "" if client is None else outside.url(client.url, client.environment, run_id, position)

    def _runs(self, asked: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
        assert self._client is not None
        wanted: dict[str, Any] = {"search": None, **asked}
        found: Sequence[Mapping[str, Any]] = self._client.runs.list(limit=RUNS_SHOWN, **wanted).items
        return found

    def _audit(self) -> Callable[[str], Sequence[Mapping[str, Any]]] | None:
        client = self._client
        return None if client is None else lambda run_id: client.audit.of_run(run_id).items
