"""The line below: all records of a run from left to right, what is worth seeing among them, and where one is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget

from app.debugger.gantt import offset
from app.debugger.recording import Recording

_MARKS = {"step.failed": ("✕", "red"), "run.failed": ("✕", "red"), "step.patched": ("◇", "magenta")}
_MARKS |= {"step.injected": ("◇", "magenta"), "run.paused": ("‖", "yellow")}


class Scrubber(Widget, can_focus=False):
    """Gaps are squeezed: each record takes as much of the line as any other. A click asks for the place there."""

    class Chosen(Message):
        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._recording: Recording | None = None
        self._index = 0
        self._marked: list[int] = []
        self._scanned = 0

    def follow(self, recording: Recording, index: int) -> None:
        if recording is not self._recording:
            self._marked, self._scanned = [], 0
        self._recording, self._index = recording, index
        self._marked += self._worth_seeing(recording)
        self._scanned = len(recording.records)
        self.refresh()

    def render(self) -> Text:
        recording = self._recording
        if recording is None:
            return Text("")
        width = max(1, self.size.width - 2)
        here = self._column(self._index, width)
        cells = [("━", "")] * here + [("┄", "dim")] * (width - here)
        for one in self._marked:
            cells[self._column(one, width)] = _MARKS[recording.records[one].kind]
        cells[here] = ("●", "bold")
        alike = groupby(cells, key=lambda cell: cell[1])
        line = Text.assemble(*(("".join(sign for sign, _ in some), style) for style, some in alike))
        record = recording.records[self._index]
        told = (
            f" position {record.position}  {record.at:%H:%M:%S}.{record.at.microsecond // 1_000:03d}Z"
            f"  {offset(record, recording.records[0].at)}  {self._index + 1}/{recording.last + 1}  {record.summary}"
        )
        return Text.assemble(" ", line, "\n", Text(told[: self.size.width]))

    def on_click(self, event: events.Click) -> None:
        if self._recording is not None:
            width = max(2, self.size.width - 2)
            share = max(0.0, min(1.0, (event.x - 1) / (width - 1)))
            self.post_message(self.Chosen(round(share * self._recording.last)))

    def _column(self, index: int, width: int) -> int:
        assert self._recording is not None
        return round(index / max(1, self._recording.last) * (width - 1))

    def _worth_seeing(self, recording: Recording) -> Iterator[int]:
        for index in range(self._scanned, len(recording.records)):
            if recording.records[index].kind in _MARKS:
                yield index
