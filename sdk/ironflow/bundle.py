"""Bundles: a run exported as one file, to be read and debugged elsewhere, offline.

    client.runs.export("run_06…")          the bytes of a bundle
    Bundle.open("run_06….zip")             verified, then read as a run is read from a server

A bundle is a zip of `manifest.json`; `entries.jsonl`, the run's entries of history (the event that started it first),
each with its digest and the one before it; and `frames.jsonl`, what each entry changed in the run's state.
"""

from __future__ import annotations

import bisect
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from ironflow import logs, past
from ironflow.calls import Call, Json, Plan, chosen
from ironflow.durations import seconds
from ironflow.errors import InvalidArgument, NotFound
from ironflow.lines import Level
from ironflow.logs import LogLine
from ironflow.past import At, Record, RunState, StepState, run_path

SCHEMA = "ironflow.bundle/v1"
FILES = ("entries.jsonl", "frames.jsonl")
MANIFEST_BYTES_MAX = 2**20
FILE_BYTES_MAX = 2**30
CHECKPOINT_EVERY = 500
CHECKPOINTS_MAX = 20

_CANONICAL = (
    *("position", "environment", "stream", "version", "kind", "data"),
    *("metadata", "actor", "correlation", "causation", "recorded_at"),
)


class BundleRefused(InvalidArgument):
    """The file is no bundle, or is not what was exported."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What holds of a bundle: of so many `entries`, those that `hold` give their digest with the one before them;
    `scrubbed` and `redacted` ones had payloads taken out, so that only their place can be checked. `last_digest` is
    that of the last entry, to be compared with the server's own (`GET /api/v1/history`, `ironflow history verify`)."""

    entries: int
    hold: int
    scrubbed: int
    redacted: int
    last_position: int
    last_digest: str


def export(run_id: str, *, scrub: Sequence[str] = (), keep_secrets: bool = False, payloads: bool = True) -> Plan[bytes]:
    """The run as a bundle. Members of payloads that are named like secrets are scrubbed unless they are kept, and those
    whose names fit `scrub` (such as `email`, `*phone*`); without `payloads` all of them are. Raises NotFound."""
    params = chosen(
        scrub=",".join(scrub),
        secrets="keep" if keep_secrets else None,
        payloads=None if payloads else "none",
    )
    made: bytes = yield Call("GET", f"{run_path(run_id)}/export", params, again=True, binary=True)
    return made


class Bundle:
    """A run of a bundle, read as `client.runs` reads one from a server: the same records and states."""

    def __init__(self, content: bytes) -> None:
        """Raises BundleRefused."""
        self.manifest, files = _unpacked(content)
        self.run_id: str = self.manifest["run_id"]
        self.entries: Sequence[Json] = files["entries.jsonl"]
        self._frames = files["frames.jsonl"]
        self.verified = _verify(self.manifest, self.entries, self._frames)
        self.records: Sequence[Record] = tuple(past.record_of(frame["record"]) for frame in self._frames)
        self._positions = [record.position for record in self.records]
        self._touched: dict[str, list[int]] = {}
        for number, frame in enumerate(self._frames):
            for step_id in (*frame.get("steps", ()), *frame.get("gone", ())):
                self._touched.setdefault(step_id, []).append(number)
        self._checkpoints: dict[int, tuple[Json, Json]] = {}
        self._checkpoint_every = max(CHECKPOINT_EVERY, len(self.records) // CHECKPOINTS_MAX)

    @classmethod
    def open(cls, path: str | Path) -> Bundle:
        """The bundle of a file, verified. Raises BundleRefused, OSError."""
        return cls(Path(path).read_bytes())

    def timeline(
        self, *, after: int | None = None, at: At = None, step: str | None = None, kind: str | None = None
    ) -> Iterator[Record]:
        """What happened to the run, in order; `step` is an id, a path or a name, `kind` such as `step.*`."""
        kinds = kind.split(",") if kind else []
        until = len(self.records) if at is None else self._index(at) + 1
        for record in self.records[bisect.bisect_right(self._positions, after or 0) : until]:
            named = record.step_id != "" and step in (record.step_id, record.path, record.name)
            if (not step or named) and (not kinds or any(_fits(record.kind, one) for one in kinds)):
                yield record

    def logs(
        self, *, step: str | None = None, level: Level | None = None, after: int | None = None, at: At = None
    ) -> Iterator[LogLine]:
        """What the run logged, in the order of recording; chosen as by `client.runs.logs`."""
        until = self.records[self._index(at)].position
        names = {record.step_id: record.name for record in self.records if record.step_id}
        for entry in self.entries:
            if entry["kind"] == "run.logged" and (after or 0) < entry["position"] <= until:
                told = {**entry, "fact": json.loads(entry["data"])}
                lines = logs.of_entry(told, names, self.run_id)
                yield from (one for one in lines if logs.fits(one, step=step, level=level))

    def state(self, *, at: At = None, steps: bool = True) -> RunState:
        """The run as of a point of the past, with all of its steps, or without. Raises NotFound if it had not been
        created by then."""
        index = self._index(at)
        fields, folded = self._folded(index)
        frame, newest = self._frames[index]["record"], self._frames[-1]["record"]
        told = {
            **fields,
            "position": at if isinstance(at, int) else frame["position"],
            "at": frame["at"],
            "record": frame,
            "next": self._frames[index + 1]["record"] if index + 1 < len(self._frames) else None,
            "newest": newest,
            "behind": newest["version"] - frame["version"],
            "steps": list(folded.values()) if steps else [],
            "steps_total": len(folded),
            "children": [_child(step) for step in folded.values() if step.get("child_run_id")],
        }
        return past.state_of(told)

    def step_output(self, step: str, *, at: At = None) -> StepState:
        """A step with what it had given. Raises NotFound, also if several have that name."""
        frames = self._touched.get(step, ())
        known = bisect.bisect_right(frames, self._index(at)) if frames else 0
        if known and step in self._frames[frames[known - 1]].get("steps", {}):
            return past.made(StepState, self._frames[frames[known - 1]]["steps"][step])
        try:
            return self.state(at=at).step(step)
        except KeyError as error:
            raise NotFound(str(error.args[0]), code="NOT_FOUND") from None

    def _index(self, at: At) -> int:
        """Of the last record by then."""
        if at is None:
            return len(self.records) - 1
        if isinstance(at, str) and at.isdecimal():
            at = int(at)
        if isinstance(at, int):
            index = bisect.bisect_right(self._positions, at) - 1
        else:
            index = bisect.bisect_right(self.records, _instant(at), key=lambda record: record.at) - 1
        if index < 0:
            raise NotFound(f"{self.run_id} did not exist at {at}", code="RUN_NOT_FOUND")
        return index

    def _folded(self, index: int) -> tuple[Json, Json]:
        """Fields of the state and steps by id, after that frame."""
        begin = max((one for one in self._checkpoints if one <= index), default=-1)
        fields, steps = self._checkpoints.get(begin, ({}, {}))
        fields, steps = {**fields}, {**steps}
        for number in range(begin + 1, index + 1):
            frame = self._frames[number]
            fields.update(frame.get("set", {}))
            steps.update(frame.get("steps", {}))
            for name in frame.get("unset", ()):
                del fields[name]
            for step_id in frame.get("gone", ()):
                del steps[step_id]
            if number % self._checkpoint_every == 0:
                self._checkpoints[number] = {**fields}, {**steps}
        return fields, steps


def _unpacked(content: bytes) -> tuple[Json, dict[str, list[Json]]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            manifest = json.loads(_member(packed, "manifest.json", MANIFEST_BYTES_MAX))
            if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
                raise _refused("its manifest is not of a bundle that can be read here", hint=f"{SCHEMA} is")
            files = {}
            for name in FILES:
                raw = _member(packed, name, FILE_BYTES_MAX)
                if sha256(raw).hexdigest() != manifest["files"][name]:
                    raise _refused(f"{name} is not what the manifest says: it was changed, or damaged")
                files[name] = [json.loads(line) for line in raw.splitlines()]
            return manifest, files
    except (zipfile.BadZipFile, zipfile.LargeZipFile, KeyError, ValueError, TypeError, EOFError) as error:
        raise _refused(f"it is no bundle: {error}") from None


def _member(packed: zipfile.ZipFile, name: str, bytes_max: int) -> bytes:
    info = packed.getinfo(name)
    if info.file_size > bytes_max:
        raise _refused(f"{name} is larger than {bytes_max:,} bytes")
    return packed.read(info)


def _verify(manifest: Mapping[str, Any], entries: Sequence[Json], frames: Sequence[Json]) -> Verified:
    """Raises BundleRefused for an entry that is not what was recorded, or is not in its place."""
    try:
        return _verified(manifest, entries, frames)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _refused(f"an entry cannot be read: {error!r}") from None


def _verified(manifest: Mapping[str, Any], entries: Sequence[Json], frames: Sequence[Json]) -> Verified:
    if len(entries) < 2 or len(entries) != manifest["entries"] or len(frames) != len(entries) - 1:
        raise _refused(f"it has {len(entries)} entries and {len(frames)} frames, and should have {manifest['entries']}")
    before: Json | None = None
    hold = 0
    for number, entry in enumerate(entries):
        what = f"entry {entry['position']} ({entry['kind']})"
        if number and (entry["stream"], entry["version"]) != (f"run/{manifest['run_id']}", number):
            raise _refused(f"{what} is not entry {number} of the run")
        if before is not None and number > 1 and entry["position"] <= before["position"]:
            raise _refused(f"{what} is not after entry {before['position']}")
        follows = before is not None and entry["position"] == before["position"] + 1
        if before is not None and follows and entry["previous"] != before["digest"]:
            raise _refused(f"{what} does not follow the digest of entry {before['position']}")
        if entry["intact"]:
            if _digest(entry) != entry["digest"]:
                raise _refused(f"{what} was changed: it does not give its digest")
            hold += 1
        if number and frames[number - 1]["record"]["position"] != entry["position"]:
            raise _refused(f"the frame of {what} is of another entry")
        before = entry
    scrubbed = sum(entry["scrubbed"] for entry in entries)
    assert before is not None
    return Verified(len(entries), hold, scrubbed, len(entries) - hold - scrubbed, before["position"], before["digest"])


def _digest(entry: Mapping[str, Any]) -> str:
    """SHA-256 over the digest before it and the MessagePack array of its fields, each in its shortest form."""
    packed = bytearray((0x90 | len(_CANONICAL),))
    for name in _CANONICAL:
        value = entry[name]
        packed += _packed_int(value) if isinstance(value, int) else _packed_text(value.encode())
    return sha256(bytes.fromhex(entry["previous"]) + packed).hexdigest()


def _packed_int(value: int) -> bytes:
    if 0 <= value < 2**7:
        return bytes((value,))
    for tag, size in ((0xCC, 1), (0xCD, 2), (0xCE, 4), (0xCF, 8)):
        if 0 <= value < 2 ** (8 * size):
            return bytes((tag,)) + value.to_bytes(size, "big")
    if value >= -(2**5):
        return value.to_bytes(1, "big", signed=True)
    for tag, size in ((0xD0, 1), (0xD1, 2), (0xD2, 4)):
        if value >= -(2 ** (8 * size - 1)):
            return bytes((tag,)) + value.to_bytes(size, "big", signed=True)
    return b"\xd3" + value.to_bytes(8, "big", signed=True)


def _packed_text(text: bytes) -> bytes:
    if len(text) < 2**5:
        return bytes((0xA0 | len(text),)) + text
    for tag, size in ((0xD9, 1), (0xDA, 2)):
        if len(text) < 2 ** (8 * size):
            return bytes((tag,)) + len(text).to_bytes(size, "big") + text
    return b"\xdb" + len(text).to_bytes(4, "big") + text


def _child(step: Mapping[str, Any]) -> Json:
    return {
        "run_id": step["child_run_id"],
        "step_id": step["step_id"],
        "path": step["path"],
        "name": step["name"],
        "function_id": step.get("function_id") or step["name"],
        "status": step["status"],
        "awaited": step["type"] == "invoke_function",
    }


def _fits(kind: str, wanted: str) -> bool:
    return kind == wanted or (wanted.endswith(".*") and kind.partition(".")[0] == wanted[:-2])


def _instant(at: str | datetime) -> datetime:
    """Raises InvalidArgument."""
    try:
        found = at if isinstance(at, datetime) else datetime.fromisoformat(at)
        return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    except ValueError:
        pass  # then it may be so long ago
    try:
        return datetime.now(UTC) - timedelta(seconds=seconds(str(at).removesuffix(" ago")))
    except ValueError:
        raise InvalidArgument(
            f"at {at!r} is neither a position nor a time",
            code="INVALID_ARGUMENT",
            hint="such as 2829, 2026-01-31T12:00:00Z or 15m",
        ) from None


def _refused(reason: str, hint: str = "export the run again") -> BundleRefused:
    return BundleRefused(reason, code="BUNDLE_REFUSED", hint=hint)
