"""What the code of a run logged, as it is recorded: read from a server (`client.runs`), or from a bundle.

A line's place among all lines of its run is `position.index`: where its entry is in history, and which of that it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ironflow.calls import Call, Json, Plan, chosen
from ironflow.lines import Level
from ironflow.past import At, run_path

PAGE = 1_000
LEVELS: Sequence[Level] = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line that was said at `time` in a step, or between steps (`step`, `step_id` and `path` are "" then). `path` is
    the step's id without the run. `logger` is "" for `ctx.log`; `source` and `source_line` tell where in the code it
    was said. `cut_bytes` of it were too long; `dropped` further lines were too many. `redacted`: it stands for lines
    that are gone."""

    position: int
    index: int
    time: datetime
    level: Level
    message: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    step: str = ""
    step_id: str = ""
    path: str = ""
    attempt: int = 1
    execution: int = 0
    logger: str = ""
    source: str = ""
    source_line: int = 0
    cut_bytes: int = 0
    dropped: int = 0
    redacted: bool = False

    @property
    def place(self) -> str:
        return f"{self.position}.{self.index}"


@dataclass(frozen=True, slots=True)
class LogLines:
    """Lines in the order of recording; `after` is where the next page begins, None at the end."""

    items: Sequence[LogLine]
    after: str | None = None


def logs_page(
    run_id: str,
    *,
    step: str | None = None,
    level: Level | None = None,
    after: int | str | None = None,
    at: At = None,
    limit: int = PAGE,
) -> Plan[LogLines]:
    """The first `limit` lines, of a step (its id, its id without the run, or its name), of a level or a graver one,
    after a position or a place. Raises NotFound."""
    params = chosen(step=step, level=level, after=after, at=at, limit=limit)
    answer = yield Call("GET", f"{run_path(run_id)}/logs", params, again=True)
    return LogLines(tuple(map(_shown, answer["items"])), answer.get("after"))


def _shown(told: Json) -> LogLine:
    source = told.get("source", {})
    known = {name: told[name] for name in _NAMES if name in told}
    instant = datetime.fromisoformat(told["time"])
    return LogLine(**{**known, "time": instant, "source": source.get("path", ""), "source_line": source.get("line", 0)})


_NAMES = tuple(name for name in LogLine.__dataclass_fields__ if name not in ("time", "source", "source_line"))


def of_entry(entry: Json, name_of: Mapping[str, str], run_id: str) -> Iterator[LogLine]:
    """The lines of a `run.logged` entry as a bundle has it; `name_of` knows the steps' names by their ids."""
    fact, position = entry["fact"], entry["position"]
    step_id = fact.get("step_id", "")
    common: dict[str, Any] = {
        "position": position,
        "step": name_of.get(step_id, ""),
        "step_id": step_id,
        "path": step_id.removeprefix(f"{run_id}:"),
        "attempt": fact.get("attempt", 1),
        "execution": fact.get("execution_seq", 0),
    }
    dropped = fact.get("dropped", 0)
    lines = fact["lines"]
    if not isinstance(lines, list):  # redacted, or scrubbed when the bundle was made
        gone = f"{fact['count']} lines were redacted"
        yield LogLine(index=0, time=instant(entry["recorded_at"]), level="info", message=gone, redacted=True, **common)
        return
    for index, line in enumerate(lines):
        yield LogLine(
            index=index,
            time=instant(line["at"]),
            level=line["level"] if line["level"] in LEVELS else "info",
            message=str(line["message"]),
            fields=line.get("fields", {}),
            logger=line.get("logger", ""),
            source=line.get("path", ""),
            source_line=line.get("line", 0),
            cut_bytes=line.get("cut", 0),
            dropped=dropped if index == len(lines) - 1 else 0,
            **common,
        )


def fits(line: LogLine, *, step: str | None, level: Level | None) -> bool:
    """Whether it is of the step, and of the level or a graver one."""
    grave = level is None or LEVELS.index(line.level) >= LEVELS.index(level)
    return grave and (not step or (line.step_id != "" and step in (line.step_id, line.path, line.step)))


def instant(us: int) -> datetime:
    return datetime.fromtimestamp(us / 1_000_000, UTC)
