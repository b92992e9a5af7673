"""What is in a bundle of a run: a manifest, the entries, and frames, which say what each entry changed in the state.

With the frames whoever reads a bundle needs no rule of how a run folds: a state is the frames up to it, put together.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta

from app import clock
from app.api.shapes.past import RecordResponse, StepState, WaitState, record_shown, step_state_shown, waits_shown
from app.api.shapes.runs import run_shown
from app.history.entry import Entry
from app.history.kinds import NULL, EventEmitted, RunNoted, RunStarted
from app.runs import noun, past, reading
from app.runs.bundling import NAMES_MAX, Bundled, Scrubbing
from app.runs.reading import RunRecord
from app.runs.record import record_of

SCHEMA = "ironflow.bundle/v1"
_BEGAN = (1980, 1, 1, 0, 0, 0)  # of every file in the archive: the same run gives the same bytes

_encode = msgspec.json.Encoder().encode


class ExportQuery(msgspec.Struct):
    scrub: Annotated[
        str, Meta(description="names of members to be scrubbed, such as email or *phone*, with commas")
    ] = ""
    secrets: Annotated[
        Literal["scrub", "keep"], Meta(description="members that are named like secrets: *password*, *token* …")
    ] = "scrub"
    payloads: Annotated[Literal["keep", "none"], Meta(description="none: no payload at all")] = "keep"


class EntryInBundle(msgspec.Struct):
    """An entry with its fields in canonical order; `data` and `metadata` are texts, byte for byte."""

    position: int
    environment: str
    stream: str
    version: int
    kind: str
    data: str
    metadata: str
    actor: str
    correlation: str
    causation: str
    recorded_at: int
    previous: str
    digest: str
    intact: bool
    scrubbed: bool


class Frame(msgspec.Struct, omit_defaults=True):
    """What an entry of the run changed: fields of the state that are set or unset, steps that are set or gone."""

    record: RecordResponse
    set: dict[str, msgspec.Raw] = {}
    unset: list[str] = []
    steps: dict[str, msgspec.Raw] = {}
    gone: list[str] = []


class Manifest(msgspec.Struct):
    schema: str
    run_id: str
    environment: str
    function_id: str
    function_version: int
    status: str
    exported_at: str
    server_version: str
    entries: int
    scrubbed: int
    payloads: str
    names: tuple[str, ...]
    files: dict[str, str]


def scrubbing_of(query: ExportQuery) -> Scrubbing:
    names = tuple(name.strip() for name in query.scrub.split(",") if name.strip())[:NAMES_MAX]
    return Scrubbing((*names, *(Scrubbing().names if query.secrets == "scrub" else ())), query.payloads)


def archive(entries: Sequence[Bundled], scrubbing: Scrubbing, *, now: int, version: str) -> bytes:
    """The bundle, a zip."""
    frames = list(_frames(entries))
    run = frames[-1][1].state
    files = {
        "entries.jsonl": _lines(_entry_shown(one) for one in entries),
        "frames.jsonl": _lines(frame for frame, _ in frames),
    }
    manifest = Manifest(
        schema=SCHEMA,
        run_id=run.id,
        environment=run.environment,
        function_id=run.function_id,
        function_version=run.function_version,
        status=run.status,
        exported_at=clock.rfc3339(now),
        server_version=version,
        entries=len(entries),
        scrubbed=sum(one.scrubbed for one in entries),
        payloads=scrubbing.payloads,
        names=scrubbing.names,
        files={name: sha256(content).hexdigest() for name, content in files.items()},
    )
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in {"manifest.json": msgspec.json.format(_encode(manifest)), **files}.items():
            packed.writestr(zipfile.ZipInfo(name, _BEGAN), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def _frames(entries: Sequence[Bundled]) -> Iterator[tuple[Frame, RunRecord]]:
    """A frame for each entry of the run, and the run, which goes on changing."""
    event = Entry(entries[0].record)
    run: RunRecord | None = None
    told: dict[str, msgspec.Raw] = {}
    steps: dict[str, msgspec.Raw] = {}
    worker_id = ""
    for one in entries[1:]:
        entry = Entry(one.record)
        before = () if run is None else [step.step_id for step in past.touched(run, entry)]
        run = reading.apply(run, entry)
        if run.event is None:
            run.event = noun.given(run.created, event)
            assert isinstance(run.event.fact, EventEmitted)
            run.input = run.event.fact.data
        if isinstance(entry.fact, RunStarted):
            worker_id = entry.fact.worker_id
        frame = Frame(record_shown(record_of(entry, worker_id)))
        now = _state(run, told, noted=isinstance(entry.fact, RunNoted))
        frame.set = {name: value for name, value in now.items() if _differs(told.get(name), value)}
        frame.unset = [name for name in told if name not in now]
        told = now
        for step_id in dict.fromkeys((*before, getattr(entry.fact, "step_id", ""))):
            if step_id in run.steps:
                shown = _raw(step_state_shown(run.state.id, run.steps[step_id]))
                if steps.get(step_id) != shown:
                    frame.steps[step_id] = steps[step_id] = shown
        if len(steps) != len(run.steps):
            frame.gone = [step_id for step_id in steps if step_id not in run.steps]
            for step_id in frame.gone:
                del steps[step_id]
        yield frame, run


def _state(run: RunRecord, before: dict[str, msgspec.Raw], *, noted: bool) -> dict[str, msgspec.Raw]:
    """Each field of the state but the steps, and what follows from the record or from the steps. Payloads, which may be
    large, are not written anew for each entry: notes are those from before, unless it is one."""
    shown = run_shown(run)
    shown.input, shown.output = NULL, None
    if not noted:
        shown.notes = UNSET
    fields: dict[str, msgspec.Raw] = msgspec.json.decode(_encode(shown), type=dict[str, msgspec.Raw])
    fields |= {"waits": _raw(waits_shown(run)), "input": run.input, "output": run.output or NULL}
    if not noted and "notes" in before:
        fields["notes"] = before["notes"]
    return fields


def _differs(before: msgspec.Raw | None, after: msgspec.Raw) -> bool:
    return before is not after and before != after


def _entry_shown(one: Bundled) -> EntryInBundle:
    fields = one.record._asdict() | {"digest": bytes(one.record.digest).hex()}
    return EntryInBundle(**fields, previous=one.previous.hex(), intact=one.intact, scrubbed=one.scrubbed)


def _lines(items: Iterator[Any]) -> bytes:
    return b"".join(_encode(item) + b"\n" for item in items)


def _raw(value: StepState | list[WaitState]) -> msgspec.Raw:
    return msgspec.Raw(_encode(value))
