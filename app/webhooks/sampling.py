"""A delivery as its sender would sign it: made up, to see that a source takes what it describes. Pure.

Who describes a source chooses what is signed, before and behind the body, and where its name and id are looked for: so
the signature is verified, and then neither shown, read nor kept. It would be a way to sign with a secret that is not
known.
"""

from __future__ import annotations

from typing import Any

import msgspec

from app.history.kinds import Descriptor
from app.webhooks import descriptor as descriptors
from app.webhooks.verification import Presented, Request, signed, written

NAME = "test"
HIDDEN = "[signature]"


def sample(descriptor: Descriptor, key: bytes | None, *, id: str, now: int) -> Request:
    """A request with a name and an id where the descriptor looks for them, signed with the key if there is one."""
    headers = {"content-type": "application/json"}
    body: dict[str, Any] = {"test": True, "id": id}
    _put(descriptor.event_name_path, NAME, headers, body)
    _put(descriptor.dedup_id_path, id, headers, body)
    content = msgspec.json.encode(body)
    if key is not None and descriptor.signature_header:
        _sign(descriptor, key, headers, content, now // 1_000_000)
    return Request(headers, content)


def without_signature(descriptor: Descriptor, request: Request) -> Request:
    """The request, as it may be shown and kept."""
    hidden = descriptor.signature_header.lower()
    headers = {name: HIDDEN if name == hidden else value for name, value in request.headers.items()}
    return Request(headers, request.body)


def _sign(descriptor: Descriptor, key: bytes, headers: dict[str, str], body: bytes, seconds: int) -> None:
    entries = []
    if descriptor.timestamp_header:
        headers[descriptor.timestamp_header.lower()] = str(seconds)
    elif descriptor.timestamp_key:
        entries.append(f"{descriptor.timestamp_key}{descriptor.kv_delimiter}{seconds}")
    id = descriptors.found(descriptor.dedup_id_path, headers, None) if descriptor.dedup_id_path else ""
    signature = written(descriptor, signed(descriptor, key, Presented((), str(seconds), id), body))
    entries.append(f"{descriptor.signature_key}{descriptor.kv_delimiter}{signature}")
    headers[descriptor.signature_header.lower()] = descriptor.entry_separator.join(entries)


def _put(path: str, text: str, headers: dict[str, str], body: dict[str, Any]) -> None:
    """The text at the first of the places that the path names."""
    place, _, name = path.split("|")[0].split("+")[0].partition(":")
    if place == "header":
        headers[name.lower()] = text
    elif place:
        *way, last = name.split(".")
        within = body
        for step in way:
            if not isinstance(within.get(step), dict):
                within[step] = {}
            within = within[step]
        within[last] = text
