"""A run in a bundle: its entries as history has them, each with the digest before it, so that they can be checked
elsewhere; and payloads scrubbed by rule.

An entry that was scrubbed no longer gives its digest, as one that was redacted does not: both are told by `intact`.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from app.errors import PayloadTooLarge
from app.history import digest
from app.runs import noun, reading
from storage import events, history
from storage.contract import Storage, Transaction
from storage.records import EntryRecord

BYTES_MAX = 128 * 2**20
NAMES_MAX = 100
SECRET_NAMES = (
    *(
        "*password*",
        "*passwd*",
        "*secret*",
        "*token*",
        "*api_key*",
        "*apikey*",
        "authorization",
        "cookie",
        "set-cookie",
    ),
    *("*card_number*", "*cardnumber*", "cvc", "cvv", "ssn", "iban"),
)
"""Members of objects that are scrubbed unless they are asked for."""

SCRUBBED = "[scrubbed]"
_PAYLOADS = ("data", "input", "output", "value", "payload", "default", "lines")
_TAGS = ("tags", "added", "removed")

Payloads = Literal["keep", "none"]


class Scrubbing(NamedTuple):
    """What of payloads is left out: values of members whose names fit a pattern, in any case and at any depth, or with
    `payloads` none all of them."""

    names: tuple[str, ...] = SECRET_NAMES
    payloads: Payloads = "keep"


class Bundled(NamedTuple):
    """`previous` is the digest of the entry before it in history. `intact`: it gives its own digest with that."""

    record: EntryRecord
    previous: bytes
    intact: bool
    scrubbed: bool


class Bundling:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def entries(self, environment: str, run_id: str, scrubbing: Scrubbing) -> list[Bundled]:
        """The event that started the run, then the run's entries in order. Raises RunNotFound, PayloadTooLarge."""
        return await self._storage.read(lambda tx: _entries(tx, environment, run_id, scrubbing))


def _entries(tx: Transaction, environment: str, run_id: str, scrubbing: Scrubbing) -> list[Bundled]:
    first = history.version_of_stream(tx, environment, noun.stream(run_id), 1) if "\0" not in run_id else None
    if first is None:
        raise reading.not_found(environment, run_id)
    event = events.entry(tx, environment, msgspec.json.decode(first.data)["event_id"])
    assert event is not None, f"the event of {run_id} is missing"
    scrub = _Scrub(scrubbing)
    found: list[Bundled] = []
    size = 0
    for record, previous in _with_previous(tx, event, first):
        intact = digest.chain(previous, record[:-1]) == bytes(record.digest)
        kept = scrub.of(record)
        size += len(kept.data)
        if size > BYTES_MAX:
            raise PayloadTooLarge(
                f"{run_id} has more than {BYTES_MAX >> 20} MiB of payloads", hint="export it with payloads=none"
            )
        found.append(Bundled(kept, previous, intact and kept is record, kept is not record))
    return found


def _with_previous(tx: Transaction, event: EntryRecord, first: EntryRecord) -> Iterator[tuple[EntryRecord, bytes]]:
    """The event and the run's entries, each with the digest of the entry before it."""
    for record, limit in ((event, 1), (first, history.PAGE)):
        version = record.version - 1
        while True:
            place = {"after_version": version, "limit": limit}
            page = history.of_stream(tx, record.environment, record.stream, **place)
            previous = history.digests_before(tx, record.environment, record.stream, **place)
            for one in page:
                yield one, previous.get(one.position, digest.ORIGIN)
            if len(page) < limit or limit == 1:
                break
            version = page[-1].version


class _Scrub:
    def __init__(self, scrubbing: Scrubbing) -> None:
        self._none = scrubbing.payloads == "none"
        names = "|".join(fnmatch.translate(name.lower()) for name in scrubbing.names)
        self._name = re.compile(names) if names else None

    def of(self, record: EntryRecord) -> EntryRecord:
        """The entry without what is to be left out; the very same if there is nothing of that in it."""
        data, changed = self._of_fact(msgspec.json.decode(record.data))
        metadata, changed_too = self._of_payload(msgspec.json.decode(record.metadata))
        if not changed and not changed_too:
            return record
        return record._replace(data=_text(data), metadata=_text(metadata) if changed_too else record.metadata)

    def _of_fact(self, fact: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        changed = False
        for name in _PAYLOADS:
            if name in fact:
                fact[name], one = self._of_payload(fact[name])
                changed = changed or one
        for name in _TAGS if self._none else ():
            changed = bool(fact.pop(name, None)) or changed
        error = fact.get("error")
        if isinstance(error, dict):
            details, one = self._of_payload(error.get("details", {}))
            if one:
                error["details"], changed = details if isinstance(details, dict) else {"scrubbed": True}, True
            if self._none:
                error["message"], changed = SCRUBBED, True
                error.pop("stack", None)
        return fact, changed

    def _of_payload(self, value: Any) -> tuple[Any, bool]:
        if self._none:
            return (value, False) if value in (None, {}) else (SCRUBBED, True)
        if isinstance(value, Mapping):
            made = {
                name: (SCRUBBED, True) if self._named(name) else self._of_payload(inner)
                for name, inner in value.items()
            }
            return {name: inner for name, (inner, _) in made.items()}, any(one for _, one in made.values())
        if isinstance(value, list):
            items = [self._of_payload(inner) for inner in value]
            return [inner for inner, _ in items], any(one for _, one in items)
        return value, False

    def _named(self, name: str) -> bool:
        return self._name is not None and self._name.match(name.lower()) is not None


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()
