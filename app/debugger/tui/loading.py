"""A recording that takes long to come: how far it is, meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import ClassVar, TypeVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from app.debugger.marks import plain
from app.debugger.recording import Around, Source
from ironflow.past import Record

SHOWN_AFTER_S = 0.3
EVERY_S = 0.2

T = TypeVar("T")


class Counted(Around):
    """A source that knows how many records have come of what was asked for last."""

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.count = 0

    def records(self, run_id: str, *, after: int = 0) -> Iterator[Record]:
        self.count = 0
        for record in self._source.records(run_id, after=after):
            self.count += 1
            yield record


class Loading(ModalScreen[None]):
    """`count` tells how many records have come. Whoever does not want to wait has `stop` called."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "stop", "not this run", show=False),
        Binding("q", "stop", "not this run", show=False),
    ]

    def __init__(self, run_id: str, count: Callable[[], int], stop: Callable[[], None]) -> None:
        super().__init__()
        self._run_id, self._count, self._stop = run_id, count, stop

    def compose(self) -> ComposeResult:
        with Vertical(classes="window"):
            yield Static(Text(plain(f"Loading {self._run_id}"), "bold"))
            yield Static(id="said")

    def on_mount(self) -> None:
        self._tell()
        self.set_interval(EVERY_S, self._tell)

    def _tell(self) -> None:
        self.query_one("#said", Static).update(Text(f"{self._count():,} records · Esc gives up", "dim"))

    def action_stop(self) -> None:
        self._stop()


async def shown(app: App[None], loading: Loading, load: Callable[[], T]) -> T:
    """What `load` comes to, in a thread of its own; `loading` is in front where that takes a while. Raises what it
    raises."""
    coming = asyncio.ensure_future(asyncio.to_thread(load))
    done, _ = await asyncio.wait([coming], timeout=SHOWN_AFTER_S)
    if done:
        return coming.result()
    await app.push_screen(loading)
    try:
        return await coming
    finally:
        await loading.dismiss()
