"""Anything by what one has of it: a whole id or its beginning, a word of its name or error, or a message like it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec
from msgspec.structs import replace

from app import texts
from app.errors import InvalidArgument
from app.history.entry import Entry
from app.runs.functions import Functions
from app.search.similar import Neighbour, Similar
from storage import events, failures, history, runs
from storage.contract import Storage, Transaction
from storage.events import EventChoice
from storage.failures import FailureGroupRow, GroupChoice
from storage.records import EventRow, RunRow

CHARS_MAX = 500
LIMIT_DEFAULT = 10
LIMIT_MAX = 100
SIMILARITY_MIN = 0.35
PREFIX_CHARS_MIN = 5
WORDS_SCANNED = 200

_FINGERPRINT = re.compile(r"[0-9a-f]{16}")
_STREAMS = ("entity", "kv", "config", "secret", "projection", "group", "webhook", "schema", "topic")
"""Beginnings of streams that a name may be of."""


class Found(msgspec.Struct, frozen=True):
    """What was found, and by what: `id`, `text` or `nearness`. `kind` is run, event, function, failure (a group of
    failures), entry or stream; `at` in µs; `score` is 1 but for nearness."""

    kind: str
    id: str
    title: str
    status: str = ""
    at: int = 0
    via: str = "id"
    score: float = 1.0


class Finder:
    def __init__(self, *, storage: Storage, functions: Functions, similar: Similar) -> None:
        self._storage = storage
        self._functions = functions
        self._similar = similar

    async def resolve(self, environment: str, text: str) -> Sequence[Found]:
        """What has that id, or one that begins so; nothing if nothing does. Raises InvalidArgument."""
        text = _checked(text)
        found = await self._storage.read(lambda tx: list(_by_id(tx, environment, text, LIMIT_DEFAULT)))
        function = self._functions.find(environment, text)
        if function is not None:
            found.append(Found("function", function.fact.id, function.fact.name or function.fact.id, function.status))
        return found

    async def search(self, environment: str, text: str, *, limit: int = LIMIT_DEFAULT) -> Sequence[Found]:
        """By id, then by text, then by nearness; at most `limit` of each kind and way, each thing once. Raises
        InvalidArgument."""
        if not 1 <= limit <= LIMIT_MAX:
            raise InvalidArgument(f"limit {limit} is out of range", field="limit", hint=f"1 to {LIMIT_MAX}")
        text = _checked(text)
        found = [*await self.resolve(environment, text)]
        if not any(one.id == text and one.kind in ("run", "event") for one in found):
            found += await self._storage.read(lambda tx: list(_by_text(tx, environment, text, limit)))
            found += self._named(environment, text)[:limit]
            near = await self._similar.to_text(environment, text, limit=limit)
            found += [_near(one) for one in near if one.similarity >= SIMILARITY_MIN]
        return list({(one.kind, one.id): one for one in reversed(found)}.values())[::-1]

    def _named(self, environment: str, text: str) -> Sequence[Found]:
        wanted = text.lower()
        return [
            Found("function", one.fact.id, one.fact.name or one.fact.id, one.status, via="text")
            for one in self._functions.list(environment)
            if wanted in one.fact.id.lower() or wanted in one.fact.name.lower()
        ]


def _checked(text: str) -> str:
    text = text.strip()
    texts.check(text, field="q")
    if not 1 <= len(text) <= CHARS_MAX:
        raise InvalidArgument(f"q has {len(text)} characters", field="q", hint=f"1 to {CHARS_MAX}")
    return text


def _by_id(tx: Transaction, environment: str, text: str, limit: int) -> Iterator[Found]:
    if text.startswith("run_") and len(text) >= PREFIX_CHARS_MIN:
        for run_id in runs.with_prefix(tx, environment, text, limit=limit):
            run = runs.get(tx, environment, run_id)
            if run is not None:
                yield _run(run)
    event = events.entry(tx, environment, text)
    if event is not None:
        yield Found("event", text, getattr(Entry(event).fact, "name", ""), at=event.recorded_at)
    if text.isdecimal() and len(text) <= 18:
        entry = history.at(tx, int(text))
        if entry is not None and entry.environment == environment:
            yield Found("entry", text, f"{entry.kind} of {entry.stream}", at=entry.recorded_at)
    if _FINGERPRINT.fullmatch(text):
        group = failures.group(tx, environment, text)
        if group is not None:
            yield _group(group)
    for stream in (text, *(f"{prefix}/{text}" for prefix in _STREAMS)):
        last = history.last_of_stream(tx, environment, stream) if "/" in stream else None
        if last is not None and not stream.startswith(("run/", "event/")):
            yield Found("stream", stream, f"{last.version} entries, the last {last.kind}", at=last.recorded_at)


def _by_text(tx: Transaction, environment: str, text: str, limit: int) -> Iterator[Found]:
    """What has every word of the text; looked up by the longest, and among the newest that have it."""
    words = text.lower().split()
    longest = max(words, key=len)
    scan = limit if len(words) == 1 else max(limit, WORDS_SCANNED)
    found = (
        (_run(run) for run in runs.page(tx, environment, search=longest, limit=scan)),
        (_event(one) for one in events.before(tx, environment, history.END, EventChoice(search=longest), limit=scan)),
        (_group(group) for group in failures.groups(tx, environment, GroupChoice(search=longest), limit=scan)),
    )
    for kind in found:
        fitting = (one for one in kind if all(word in f"{one.id} {one.title}".lower() for word in words))
        yield from (replace(one, via="text") for one in islice(fitting, limit))


def _run(run: RunRow) -> Found:
    told = f": {run.error_message}" if run.error_message else ""
    return Found("run", run.id, f"{run.function_id} for {run.event_name}{told}", run.status, run.created_at)


def _event(event: EventRow) -> Found:
    return Found("event", event.id, event.name, at=event.recorded_at)


def _group(group: FailureGroupRow) -> Found:
    where = f"{group.function_id}, step {group.step}" if group.step else group.function_id
    return Found("failure", group.fingerprint, f"{group.error_type}: {group.message} ({where})", at=group.last_at)


def _near(one: Neighbour) -> Found:
    row = one.failure
    title = f"{row.function_id}: {row.message}"
    return Found("run", row.run_id, title, one.status, row.failed_at, via="nearness", score=one.similarity)
