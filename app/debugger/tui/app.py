"""The application: which run is on the screen, and how it looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from textual import work
from textual.app import App

from app.debugger.marks import plain
from app.debugger.recording import Source
from app.debugger.session import Changes, Session
from app.debugger.tui.changing import ChangingScreen
from app.debugger.tui.prompts import Picker
from app.debugger.tui.screen import RunScreen
from app.debugger.tui.tabs import Looking
from ironflow import Client
from ironflow.errors import IronflowError

RUNS_SHOWN = 200


class Inspector(App[None]):
    """Without `changes` nothing can be changed, without `client` no other run be chosen and no audit be read."""

    TITLE = "ironflow inspect"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #header { height: 1; background: $primary-background; }
    #panes { height: 1fr; layout: horizontal; }
    #rows { width: 1fr; border-right: solid $primary-background; }
    #inspector { width: 1fr; }
    #tabs { height: 1; }
    #body { height: 1fr; padding: 0 1; }
    #scrubber { height: 3; border-top: solid $primary-background; }
    #footer { height: 1; padding: 0 1; }
    .-narrow #panes { layout: vertical; }
    .-narrow #rows { width: 100%; height: 1fr; border-right: none; border-bottom: solid $primary-background; }
    .-narrow #inspector { width: 100%; height: 1fr; }
    .zoomed #rows { display: none; }
    ModalScreen { align: center middle; }
    .window { width: 90%; max-width: 110; height: auto; max-height: 90%; border: round $primary; padding: 0 1; }
    .tall { height: 80%; }
    .window #about, .window #said { height: auto; }
    #choices { height: 1fr; }
    #text { height: 1fr; min-height: 4; }
    #difference, #plan { height: auto; max-height: 8; padding: 0 1; }
    #buttons { height: 3; }
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
        client: Client | None = None,
    ) -> None:
        """With `run_id` empty the person chooses. `at` is a position or a time."""
        super().__init__()
        self._session = Session(source, changes)
        self._run_id, self._at, self._following, self._client = run_id, at, following, client
        self.refused: Exception | None = None

    def on_mount(self) -> None:
        self.begin()

    @work
    async def begin(self) -> None:
        if self._run_id:
            self.open(self._run_id, at=self._at)
        else:
            await self.choose()

    async def choose(self) -> None:
        """Ask which run, and show it; without an answer things stay as they are, and end where nothing was shown."""
        if self._client is None:
            self.notify("A bundle has one run", severity="warning")
            return
        run_id = await self.push_screen_wait(Picker(self._runs))
        if run_id:
            self.open(run_id)
        elif not isinstance(self.screen, RunScreen):
            self.exit()

    def open(self, run_id: str, *, at: str | None = None) -> None:
        """Show a run, at its end or as of a position or a time."""
        try:
            thread = self._session.open(run_id)
            thread.index = thread.recording.last if at is None else thread.recording.place(at)
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
        else:
            self.push_screen(
                ChangingScreen(self._session, thread, Looking(audit=self._audit()), following=self._following)
            )

    def _runs(self, text: str) -> Sequence[Mapping[str, Any]]:
        assert self._client is not None
        found: Sequence[Mapping[str, Any]] = self._client.runs.list(limit=RUNS_SHOWN, search=text or None).items
        return found

    def _audit(self) -> Callable[[str], Sequence[Mapping[str, Any]]] | None:
        client = self._client
        return None if client is None else lambda run_id: client.audit.of_run(run_id).items
