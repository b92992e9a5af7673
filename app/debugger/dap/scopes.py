"""What a client sees at a stop: the stack, and the scopes of its top frame."""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from app.debugger import saga
from app.debugger.dap import transcript
from app.debugger.dap.code import Code
from app.debugger.dap.variables import MARK, Inside, Lazy, References
from app.debugger.recording import STEPS_WHOLE_MAX
from app.debugger.session import Session
from app.debugger.step_ids import branch_label
from app.debugger.surroundings import Surroundings
from app.debugger.threads import Thread

LAZY_BYTES = 64 * 1024

FRAMES = 8
"""The id of a frame is its thread's times that, and which of the thread's frames it is."""
_RECORD, _RUN, _INVOKED_BY, _BRANCH, _SAGA = range(5)


def frames(thread: Thread, code: Code, *, from_one: bool) -> Sequence[dict[str, Any]]:
    """The stack: the record, the step that it undoes in a saga, the parallel branch that it is in, its run, and the
    runs that invoked it. The frame of a saga is where the step was done. Places are in the code where that is known,
    else in the transcript."""
    found: list[dict[str, Any]] = []
    at: Thread | None = thread
    index = thread.index
    while at is not None:
        recording, record = at.recording, at.recording.records[index]
        held = at.moment.held if index == at.end else ""
        name = held or record.name or record.kind
        if record.attempt > 1:
            name += f" #{record.attempt}"
        frame = partial(_frame, at, from_one=from_one)
        top = at is thread and bool(record.step_id)
        found.append({**frame(_RECORD, name, index, top=top), **(code.place(at, record.name) if record.name else {})})
        if undone := saga.undoes(record):
            done = saga.done_at(recording, index)
            found.append(frame(_SAGA, f"saga: undoes {undone}", index if done is None else done, hint="subtle"))
        if branch := recording.branches.at(index):
            found.append(frame(_BRANCH, branch_label(branch), index, hint="subtle"))
        run = f"{recording.function_id} ({recording.run_id})"
        found.append({**frame(_RUN, run, 0, hint="subtle"), **code.place(at, "")})
        if at.parent is not None:
            found.append(frame(_INVOKED_BY, "invoked by", 0, hint="label"))
            index = at.whole.called_at
        at = at.parent
    return found


def _frame(
    thread: Thread, which: int, name: str, index: int, *, from_one: bool, top: bool = False, hint: str = ""
) -> dict[str, Any]:
    frame = {
        "id": thread.id * FRAMES + which,
        "name": name,
        "line": transcript.line_of(index, from_one=from_one),
        "column": int(from_one),
        "source": source(thread),
        "canRestart": top,
    }
    return {**frame, "presentationHint": hint} if hint else frame


def source(thread: Thread) -> dict[str, Any]:
    """The transcript of a run."""
    number = thread.whole.id
    return {"name": f"{thread.recording.run_id}.ironflow", "sourceReference": number, "origin": "recorded history"}


def scopes(session: Session, thread: Thread, references: References) -> Sequence[dict[str, Any]]:
    """Step, State, Event, Return and Saga (when there is one), Run, and what is around it (when that can be asked for),
    as of the thread's place."""
    recording, index = thread.recording, thread.index
    record = thread.record
    found = []
    if record.step_id:
        found.append(
            _scope("Step", references, Inside(lambda: step(session, thread), "step", record.step_id), "locals")
        )
    found.append(_scope("State", references, Inside(lambda: state(session, thread), "state")))
    found.append(
        _scope("Event", references, Inside(lambda: _object(recording.head(index).input), "event.data"), "arguments")
    )
    if recording.status(index) in ("completed", "failed"):
        found.append(_scope("Return", references, Inside(lambda: _returned(thread)), "returnValue"))
    if undone := saga.stack(recording, index):
        found.append(_scope("Saga", references, Inside(lambda: undone)))
    found.append(_scope("Run", references, Inside(lambda: _run(thread), "run")))
    if (around := session.surroundings) is not None:
        until, at = recording.before_next(index), record.position
        written = Inside(lambda: _written(around, recording.run_id, until))
        found.append(_scope("Streams & KV", references, written, expensive=True))
        secrets = Inside(lambda: around.secrets(recording.run_id, recording.function_id, at))
        found.append(_scope("Secrets (names only)", references, secrets, expensive=True))
    return found


def _written(around: Surroundings, run_id: str, at: int | None) -> Mapping[str, Any]:
    """Streams and keys, each asked for when it is opened."""
    return {name: Lazy(one.load, one.about) for name, one in around.written(run_id, at).items()}


def _scope(
    name: str, references: References, inside: Inside, hint: str = "", *, expensive: bool = False
) -> dict[str, Any]:
    scope = {"name": name, "variablesReference": references.to(inside), "expensive": expensive}
    return {**scope, "presentationHint": hint} if hint else scope


def step(session: Session, thread: Thread) -> dict[str, Any]:
    """What is known of the record's step. Its output, with what is staged in its stead, can be changed."""
    recording, record = thread.recording, thread.record
    known = recording.step(thread.index)
    if known is None:
        return {}
    edit = session.edits.get((recording.run_id, record.step_id))
    told = {
        "output": edit.output if edit else known.output,
        **({} if known.input is None else {"input": known.input}),
        "error": dict(known.error) if known.error else None,
        **{name: getattr(known, name) for name in ("name", "path", "type", "status", "attempt", "duration_ms")},
        "started_at": known.started_at and known.started_at.isoformat(),
        "ended_at": known.ended_at and known.ended_at.isoformat(),
        "set_by": known.position,
    }
    if edit is not None:
        told["output before the edit"] = known.output
    return told


def state(session: Session, thread: Thread) -> Mapping[str, Any]:
    """What steps had given, and what the code had noted; large outputs are asked for when they are opened."""
    recording, index = thread.recording, thread.index
    outputs = recording.outputs(index)
    marked = {*recording.corrected(index), *session.staged_names(thread)}
    if len(outputs) > STEPS_WHOLE_MAX:
        return _Long(thread, outputs, marked, session.staged(thread))
    given = dict(session.values(thread))
    for name, at in outputs.items():
        if (recording.records[at].output_bytes or 0) > LAZY_BYTES:
            given[name] = _lazily(thread, at)
    return {f"{name} {MARK}" if name in marked else name: value for name, value in given.items()}


class _Long(Mapping[str, Any]):
    """The same of a long run: all outputs are asked for when they are opened."""

    def __init__(
        self, thread: Thread, outputs: Mapping[str, int], marked: Container[str], staged: Mapping[str, Any]
    ) -> None:
        self._thread = thread
        self._outputs = outputs
        self._marked = marked
        self._staged = staged

    def __len__(self) -> int:
        return len(self._outputs)

    def __iter__(self) -> Iterator[str]:
        return (f"{name} {MARK}" if name in self._marked else name for name in self._outputs)

    def __getitem__(self, name: str) -> Any:
        at = self._outputs[name.removesuffix(f" {MARK}")]
        step_id = self._thread.recording.records[at].step_id
        return self._staged[step_id] if step_id in self._staged else _lazily(self._thread, at)


def _lazily(thread: Thread, at: int) -> Lazy:
    recording, index, record = thread.recording, thread.index, thread.recording.records[at]

    def load() -> Any:
        known = recording.step(index, record.step_id)
        return known.output if known is not None else None

    return Lazy(load, f"{record.output_bytes or 0} bytes")


def _object(value: Any) -> Any:
    """A value that has something inside."""
    return value if isinstance(value, dict | list) else {"value": value}


def _returned(thread: Thread) -> Any:
    state = thread.recording.head(thread.index)
    return {"error": dict(state.error)} if state.error else {"output": state.output}


def _run(thread: Thread) -> dict[str, Any]:
    state = thread.recording.head(thread.index)
    told = dataclasses.asdict(dataclasses.replace(state, steps=(), waits=(), children=(), notes={}, raw={}))
    names = (
        *("id", "function_id", "function_version", "status", "attempt", "max_attempts", "executions", "worker_id"),
        *("event_id", "event_name", "environment_id", "pause_reason", "parent_run_id", "position", "version", "behind"),
        "tags",
    )
    told["tags"] = list(state.tags) or None
    return {name: told[name] for name in names if told[name] not in ("", None)}
