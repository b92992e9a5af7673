"""Whether a delivery comes from who knows the secret. Pure, and before anything of the body is read.

What was looked at is told step by step, so that a person can see why a delivery was refused: never the secret, never
the signature that would have been right.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence

import msgspec

from app.history.kinds import Check, Descriptor, Verification
from app.webhooks import descriptor as descriptors
from app.webhooks.descriptor import ALGORITHMS, ANY_AGE

SIGNATURES_MAX = 20
TIMESTAMP_CHARS_MAX = 15


class Request(msgspec.Struct, frozen=True):
    """What was sent: names of headers in lower case, the body byte for byte."""

    headers: Mapping[str, str]
    body: bytes


class Keys(msgspec.Struct, frozen=True):
    """The secrets that count, each None if there is none. `required` tells that a delivery must be signed."""

    current: bytes | None = None
    previous: bytes | None = None

    @property
    def required(self) -> bool:
        return self.current is not None


class Presented(msgspec.Struct, frozen=True):
    """What a request says of its signature; `timestamp` as it was sent."""

    signatures: Sequence[str]
    timestamp: str
    id: str


def verify(descriptor: Descriptor, keys: Keys, request: Request, *, now: int) -> Verification:
    """Which secret fits, and what was looked at."""
    if keys.current is None and keys.previous is None:
        return Verification("none", (Check("signature", True, "the source has no secret: nothing is verified"),))
    sent = presented(descriptor, request)
    checks = [_signature_there(descriptor, sent)]
    if "{ts}" in descriptor.signing_template:
        checks.append(_in_time(descriptor, sent, now))
    key = _fitting(descriptor, keys, sent, request.body)
    checks.append(_fits(descriptor, keys, key))
    if all(check.passed for check in checks):
        return Verification(key, tuple(checks))
    if not keys.required:
        optional = Check("required", True, "verification was turned off: a signature is not asked for")
        return Verification("none", (*checks, optional))
    return Verification("invalid", tuple(checks))


def presented(descriptor: Descriptor, request: Request) -> Presented:
    """Signatures, time and id as the request has them."""
    header = request.headers.get(descriptor.signature_header.lower(), "")
    entries = header.split(descriptor.entry_separator) if descriptor.entry_separator else [header]
    timestamp = request.headers.get(descriptor.timestamp_header.lower(), "") if descriptor.timestamp_header else ""
    signatures = []
    for entry in map(str.strip, entries):
        if not descriptor.kv_delimiter:
            signatures.append(_bare(descriptor, entry))
            continue
        name, _, value = entry.partition(descriptor.kv_delimiter)
        if name == descriptor.signature_key:
            signatures.append(value)
        elif name == descriptor.timestamp_key and not descriptor.timestamp_header:
            timestamp = value
    id = descriptors.found(descriptor.dedup_id_path, request.headers, None) if descriptor.dedup_id_path else ""
    return Presented([one for one in signatures if one][:SIGNATURES_MAX], timestamp.strip(), id)


def signing_string(descriptor: Descriptor, sent: Presented, body: bytes) -> bytes:
    """What is signed."""
    before, _, after = descriptor.signing_template.partition("{body}")

    def filled(text: str) -> bytes:
        return text.replace("{ts}", sent.timestamp).replace("{id}", sent.id).encode("utf-8", "surrogateescape")

    return filled(before) + body + filled(after)


def signed(descriptor: Descriptor, key: bytes, sent: Presented, body: bytes) -> bytes:
    """The signature that is right, as bytes."""
    content = signing_string(descriptor, sent, body)
    return hmac.digest(key, content, ALGORITHMS[descriptor.algorithm])


def written(descriptor: Descriptor, signature: bytes) -> str:
    """A signature as it is sent."""
    return base64.b64encode(signature).decode() if descriptor.encoding == "base64" else signature.hex()


def _fitting(descriptor: Descriptor, keys: Keys, sent: Presented, body: bytes) -> str:
    """current or prev, whichever key fits one of the signatures, or invalid. Takes as long for each of them."""
    given = [_decoded(descriptor, signature) for signature in sent.signatures]
    fitting = "invalid"
    for name, key in (("prev", keys.previous), ("current", keys.current)):
        if key is None:
            continue
        right = signed(descriptor, key, sent, body)
        fits = [hmac.compare_digest(right, one) for one in given]  # every one, whichever fits
        if any(fits):
            fitting = name
    return fitting


def _decoded(descriptor: Descriptor, signature: str) -> bytes:
    try:
        if descriptor.encoding == "base64":
            return base64.b64decode(signature, validate=True)
        return bytes.fromhex(signature)
    except (ValueError, binascii.Error):
        return b""


def _bare(descriptor: Descriptor, entry: str) -> str:
    """A signature without the name of its algorithm before it, which some senders write: `sha256=…`."""
    name = f"{ALGORITHMS.get(descriptor.algorithm, '')}="
    return entry.removeprefix(name) if descriptor.encoding == "hex" else entry


def _signature_there(descriptor: Descriptor, sent: Presented) -> Check:
    header = descriptor.signature_header
    if sent.signatures:
        return Check("header", True, f"{header} has {_count(len(sent.signatures), 'signature')}")
    which = f" under {descriptor.signature_key!r}" if descriptor.signature_key else ""
    return Check("header", False, f"{header} is missing, or has no signature{which}")


def _in_time(descriptor: Descriptor, sent: Presented, now: int) -> Check:
    where = descriptor.timestamp_header or f"{descriptor.timestamp_key} of {descriptor.signature_header}"
    if not (sent.timestamp.isascii() and sent.timestamp.isdecimal() and len(sent.timestamp) <= TIMESTAMP_CHARS_MAX):
        return Check("timestamp", False, f"{where} is missing, or no time in seconds since 1970")
    age_s = now // 1_000_000 - int(sent.timestamp)
    told = f"{where} is {abs(age_s)} s {'old' if age_s >= 0 else 'ahead of now'}"
    if descriptor.tolerance_seconds == ANY_AGE:
        return Check("timestamp", True, f"{told}; any age is taken")
    passed = abs(age_s) <= descriptor.tolerance_seconds
    return Check("timestamp", passed, f"{told}; {descriptor.tolerance_seconds} s are let through")


def _fits(descriptor: Descriptor, keys: Keys, key: str) -> Check:
    of = f"{descriptor.algorithm} of {descriptor.signing_template} in {descriptor.encoding}"
    if key != "invalid":
        return Check("signature", True, f"{of} fits the {'current' if key == 'current' else 'previous'} secret")
    known = [name for name, one in (("current", keys.current), ("previous", keys.previous)) if one is not None]
    return Check("signature", False, f"{of} fits no signature, with the {' and the '.join(known)} secret")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("s" if number != 1 else "")
