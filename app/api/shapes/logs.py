"""What runs logged, as REST shows it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app import clock
from app.api.shapes.base import Instant, Moment, Shape, given
from app.history.kinds.base import empty
from app.runs import logs
from app.runs.lines import Level
from app.runs.logs import LogsPage, Said
from app.runs.state import step_name, step_path


class LogsQuery(msgspec.Struct):
    step: Annotated[str, Meta(description="of one step: its id, its id without the run, or its name")] = ""
    level: Annotated[Level, Meta(description="of that level or a graver one")] = "debug"
    after: Annotated[str, Meta(description="lines after that place: a position, or `after` of the page before")] = ""
    at: Moment = ""
    limit: Annotated[int, Meta(ge=1, le=logs.LIMIT_MAX)] = logs.LIMIT_DEFAULT


class SourceResponse(Shape, gc=False):
    """Where in the worker's code it was said."""

    path: str
    line: int


class LogLineResponse(Shape, kw_only=True, gc=False):
    """One line. Its place is `position.index`."""

    position: Annotated[int, Meta(description="of the entry that has the line")]
    index: Annotated[int, Meta(description="of the line in its entry, from 0")]
    time: Instant
    level: Level
    message: str
    fields: msgspec.Raw = msgspec.field(default_factory=empty)
    step: Annotated[str, Meta(description="name of the step that said it; left out between steps")] | UnsetType = UNSET
    step_id: str | UnsetType = UNSET
    path: Annotated[str, Meta(description="the step's id without the run")] | UnsetType = UNSET
    attempt: int
    execution: Annotated[int, Meta(description="number of the execution that told it")]
    logger: Annotated[str, Meta(description="its name; left out for ctx.log")] | UnsetType = UNSET
    source: SourceResponse | UnsetType = UNSET
    cut_bytes: Annotated[int, Meta(description="of the message and the fields that were too long")] | UnsetType = UNSET
    dropped: Annotated[int, Meta(description="so many further lines there was no room for")] | UnsetType = UNSET
    redacted: Annotated[bool, Meta(description="it stands for lines that were redacted")] | UnsetType = UNSET


class LogsResponse(Shape):
    """Lines of a run, in the order of recording."""

    run_id: str
    items: list[LogLineResponse]
    after: Annotated[str, Meta(description="give as after: the page after; left out at the end")] | UnsetType = UNSET


def logs_shown(run_id: str, page: LogsPage) -> LogsResponse:
    return LogsResponse(
        run_id=run_id,
        items=[_line_shown(said) for said in page.lines],
        after=UNSET if page.after is None else str(page.after),
    )


def _line_shown(said: Said) -> LogLineResponse:
    line, step_id = said.line, said.step_id
    return LogLineResponse(
        position=said.place.position,
        index=said.place.index,
        time=clock.rfc3339(said.at),
        level=line.level,
        message=line.message,
        fields=line.fields,
        step=step_name(step_id) if step_id else UNSET,
        step_id=given(step_id),
        path=step_path(step_id) if step_id else UNSET,
        attempt=said.attempt,
        execution=said.execution,
        logger=given(line.logger),
        source=SourceResponse(path=line.path, line=line.line) if line.path else UNSET,
        cut_bytes=given(line.cut),
        dropped=given(said.dropped),
        redacted=given(said.redacted),
    )
