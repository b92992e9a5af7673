"""Runs in bundles: what is read of one is what a server tells, whatever is changed in one is noticed, and what is to be
scrubbed is not in it. Both stores."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from app.api.answers import encode
from app.api.shapes.bundle import archive
from app.api.shapes.past import StateQuery, record_shown, state_shown
from app.errors import PayloadTooLarge, RunNotFound
from app.history import redaction
from app.history.kinds import EventEmitted, Failure, RunNoted
from app.history.redaction import Redaction
from app.runs import bundling
from app.runs.bundling import SECRET_NAMES, Bundling, Scrubbing
from app.runs.past import Past
from app.runs.timeline import Timelines
from ironflow.bundle import Bundle, BundleRefused
from ironflow.errors import NotFound
from ironflow.past import record_of, state_of
from storage.contract import Storage
from tests.support.histories import ENVIRONMENT, START_US, Life, Scribe, live

ALL = Scrubbing(names=())


async def exported(storage: Storage, run_id: str, scrubbing: Scrubbing = ALL) -> bytes:
    entries = await Bundling(storage).entries(ENVIRONMENT, run_id, scrubbing)
    return archive(entries, scrubbing, now=START_US, version="1")


async def told(storage: Storage, run_id: str, position: int) -> dict[str, Any]:
    """The state as a server answers it."""
    shown = state_shown(await Past(storage).at(ENVIRONMENT, run_id, position), StateQuery(limit=10_000))
    found: dict[str, Any] = json.loads(encode(shown))
    return found


async def a_run(storage: Storage, *outputs: Any) -> Life:
    """A run with these outputs of steps."""
    scribe = Scribe()
    life = Life(scribe, "run_1")
    live(random.Random(1), life, moves=1)
    for number, output in enumerate(outputs):
        scribe.write("event/evt_o", EventEmitted("evt_o", "other", msgspec.Raw(b"1")))
        life.step(f"s:{number}", output)
    await storage.write(scribe.save)
    return life


async def test_a_bundle_tells_what_the_server_does_at_every_position(storage: Storage, seed: int) -> None:
    rng, scribe = random.Random(seed), Scribe()
    lives = [Life(scribe, f"run_{number:026}", carried=number % 3) for number in range(6)]
    for _ in range(60):
        live(rng, rng.choice(lives), moves=4)
    await storage.write(scribe.save)

    for life in lives:
        bundle = Bundle(await exported(storage, life.run_id))
        page = await Timelines(storage).page(ENVIRONMENT, life.run_id, limit=1_000)
        records = [record_of(json.loads(encode(record_shown(one)))) for one in page.records]
        assert list(bundle.timeline()) == records
        places = [near for record in records for near in (record.position, record.position + 1)]
        rng.shuffle(places)
        for position in places:
            wanted = state_of(await told(storage, life.run_id, min(position, len(scribe.records))))
            found = bundle.state(at=min(position, len(scribe.records)))
            assert found == wanted
        assert bundle.verified.hold == bundle.verified.entries == len(records) + 1
        assert (bundle.verified.scrubbed, bundle.verified.redacted) == (0, 0)


async def test_a_bundle_is_read_as_a_run_is(storage: Storage) -> None:
    await a_run(storage, 1, {"x": 2})
    bundle = Bundle(await exported(storage, "run_1"))

    assert [record.path for record in bundle.timeline(kind="step.*")] == ["s:0", "s:1"]
    assert [record.position for record in bundle.timeline(step="s:1")] == [7]
    assert [record.kind for record in bundle.timeline(after=3, at=5)] == ["step.completed"]
    assert bundle.step_output("s:1").output == {"x": 2}
    assert bundle.state(at=str(5)).steps[0].output == 1
    assert bundle.state(at="2999-01-01T00:00:00Z").record.version == 4
    for missing in (lambda: bundle.state(at=1), lambda: bundle.step_output("s"), lambda: bundle.step_output("none")):
        with pytest.raises(NotFound):
            missing()


async def test_long_runs_are_read_from_checkpoints(storage: Storage) -> None:
    await a_run(storage, *range(1_200))
    bundle = Bundle(await exported(storage, "run_1"))

    for version in (1_100, 40, 1_100, 600):
        assert [step.output for step in bundle.state(at=bundle.records[version - 1].position).steps] == [
            *range(version - 2)
        ]


def rewritten(content: bytes, change: Callable[[dict[str, bytes]], None], *, honest: bool = False) -> bytes:
    """The bundle with its files changed; with a manifest that says so, as somebody would write who knows how."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    change(files)
    if honest:
        manifest = json.loads(files["manifest.json"])
        manifest["files"] = {name: sha256(files[name]).hexdigest() for name in manifest["files"]}
        files["manifest.json"] = json.dumps(manifest).encode()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        for name, raw in files.items():
            packed.writestr(name, raw)
    return made.getvalue()


def in_file(name: str, old: bytes, new: bytes) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        assert old in files[name]
        files[name] = files[name].replace(old, new, 1)

    return change


def without(name: str) -> Callable[[dict[str, bytes]], None]:
    return lambda files: files.__delitem__(name)


def last_line_gone(files: dict[str, bytes]) -> None:
    files["entries.jsonl"] = files["entries.jsonl"].rpartition(b'{"position')[0]


@pytest.mark.parametrize(
    ("change", "honest", "reason"),
    [
        (in_file("entries.jsonl", b"4711", b"4712"), False, "entries.jsonl is not what the manifest says"),
        (in_file("frames.jsonl", b"4711", b"4712"), False, "frames.jsonl is not what the manifest says"),
        (in_file("entries.jsonl", b"4711", b"4712"), True, "was changed: it does not give its digest"),
        (in_file("entries.jsonl", b'"actor":""', b'"actor":"eve"'), True, "was changed: it does not give its digest"),
        (in_file("entries.jsonl", b'"position":3', b'"position":4'), True, "changed|follow|after"),
        (in_file("entries.jsonl", b'"intact":true', b'"intact":[]'), True, ""),
        (last_line_gone, True, "entries"),
        (without("frames.jsonl"), False, "no bundle"),
        (without("manifest.json"), False, "no bundle"),
        (in_file("manifest.json", b"bundle/v1", b"bundle/v9"), False, "manifest"),
        (in_file("manifest.json", b'"run_id": "run_1"', b'"run_id": "run_2"'), False, "not entry 1 of the run"),
    ],
)
async def test_what_is_not_what_was_recorded_is_refused(
    storage: Storage, change: Callable[[dict[str, bytes]], None], honest: bool, reason: str
) -> None:
    await a_run(storage, "4711")
    content = await exported(storage, "run_1")
    Bundle(content)

    if not reason:  # nothing was changed but that nothing vouches for it
        assert Bundle(rewritten(content, change, honest=honest)).verified.hold == 3
        return
    with pytest.raises(BundleRefused, match=reason):
        Bundle(rewritten(content, change, honest=honest))


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip at all", b"PK\x03\x04" + bytes(100)])
def test_what_is_no_bundle_is_refused(content: bytes) -> None:
    with pytest.raises(BundleRefused, match="no bundle"):
        Bundle(content)


async def test_secrets_and_chosen_members_are_scrubbed_at_any_depth(storage: Storage) -> None:
    scribe = Scribe()
    life = Life(scribe, "run_1")
    live(random.Random(1), life, moves=1)
    life.step(
        "login:0", {"API_Token": "s3cr3t-1", "user": {"email": "ada@example.org", "tries": [{"password": "s3cr3t-2"}]}}
    )
    life.write(RunNoted("seen", msgspec.Raw(b'{"Email":"ada@example.org"}'), 1))
    details = msgspec.Raw(b'{"cookie":"s3cr3t-3"}')
    life.step("pay:0", error=Failure("declined", code="E", details=details))
    life.step("ok:0", {"amount": 1})
    await storage.write(scribe.save)

    content = await exported(storage, "run_1", Scrubbing((*SECRET_NAMES, "email")))
    bundle = Bundle(content)

    raw = b"".join(zipfile.ZipFile(io.BytesIO(content)).read(name) for name in ("entries.jsonl", "frames.jsonl"))
    assert b"s3cr3t" not in raw
    assert b"example.org" not in raw
    state = bundle.state()
    assert state.step("login").output == {
        "API_Token": "[scrubbed]",
        "user": {"email": "[scrubbed]", "tries": [{"password": "[scrubbed]"}]},
    }
    assert state.notes["seen"].value == {"Email": "[scrubbed]"}
    assert state.step("ok").output == {"amount": 1}
    assert (bundle.verified.scrubbed, bundle.verified.hold, bundle.verified.entries) == (3, 4, 7)
    assert bundle.manifest["scrubbed"] == 3


async def test_a_bundle_without_payloads_has_none(storage: Storage) -> None:
    scribe = Scribe()
    life = Life(scribe, "run_1")
    live(random.Random(1), life, moves=1)
    life.step("a:0", "private")
    life.step("b:0", error=Failure("private", code="E", stack="private", details=msgspec.Raw(b'{"x":"private"}')))
    await storage.write(scribe.save)

    content = await exported(storage, "run_1", Scrubbing((), "none"))

    raw = b"".join(zipfile.ZipFile(io.BytesIO(content)).read(name) for name in ("entries.jsonl", "frames.jsonl"))
    assert b"private" not in raw
    state = Bundle(content).state()
    assert (state.step("a").output, state.input) == ("[scrubbed]", "[scrubbed]")
    assert state.step("b").error is not None
    assert [step.status for step in state.steps] == ["completed", "failed"]


async def test_a_redacted_event_is_told_as_such(storage: Storage) -> None:
    await a_run(storage, 1)
    wanted = Redaction("r1", "event/evt_run_1", after_version=0, limit=10)
    await storage.write(lambda tx: redaction.redact(tx, ENVIRONMENT, wanted, now=START_US))

    bundle = Bundle(await exported(storage, "run_1"))

    assert (bundle.verified.redacted, bundle.verified.scrubbed, bundle.verified.hold) == (1, 0, 3)
    assert bundle.state().input["$redacted"] is True


async def test_what_cannot_be_exported_is_refused(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    await a_run(storage, "x" * 1_000)
    for run_id in ("run_2", "run\0"):
        with pytest.raises(RunNotFound):
            await exported(storage, run_id)
    monkeypatch.setattr(bundling, "BYTES_MAX", 1_000)
    with pytest.raises(PayloadTooLarge, match="payloads"):
        await exported(storage, "run_1")
    assert Bundle(await exported(storage, "run_1", Scrubbing((), "none"))).verified.entries == 4


async def test_the_same_run_gives_the_same_bytes(storage: Storage) -> None:
    await a_run(storage, 1, 2)
    assert await exported(storage, "run_1") == await exported(storage, "run_1")
