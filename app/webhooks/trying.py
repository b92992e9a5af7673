"""Trying a descriptor out: what it makes of a request that is given, or of a delivery that was captured."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from app.errors import InvalidArgument, IronflowError
from app.history.kinds import Descriptor, Verification
from app.webhooks import content
from app.webhooks import descriptor as descriptors
from app.webhooks.verification import Keys, Request, presented, signed, signing_string, verify, written


class Trial(msgspec.Struct, frozen=True):
    """`computed_signature` is told only to who gave the secret: it would be a way to sign with one that is kept."""

    verification: Verification
    signing_string: str
    computed_signature: str
    presented_signatures: Sequence[str]
    timestamp: str
    event_name: str
    dedup_id: str
    error: str


def tried(
    descriptor: Descriptor,
    keys: Keys,
    request: Request,
    *,
    event_prefix: str,
    now: int,
    secret_given: bool,
    verification: Verification | None = None,
) -> Trial:
    """What comes of the request; nothing is recorded. `verification` was found before, where the request has its
    signature no more."""
    verification = verification or verify(descriptor, keys, request, now=now)
    sent = presented(descriptor, request)
    computed = ""
    if secret_given and keys.current is not None and descriptor.signature_header:
        computed = written(descriptor, signed(descriptor, keys.current, sent, request.body))
    name, dedup_id, error = "", "", verification.reason
    try:
        read = content.read(request)
        dedup_id = content.external_id(descriptor, request.headers, read.value)
        name = content.event_name(event_prefix, descriptor, request.headers, read.value)
    except IronflowError as refused:
        error = error or refused.message
    return Trial(
        verification,
        signing_string(descriptor, sent, request.body).decode(errors="replace") if descriptor.signing_template else "",
        computed,
        sent.signatures,
        sent.timestamp,
        name or event_prefix,
        dedup_id,
        error,
    )


def keys_given(descriptor: Descriptor, secret: str) -> Keys:
    """The secret as a key; none where no signature is described. Raises InvalidArgument."""
    if not descriptor.signature_header:
        return Keys()
    if not secret:
        raise InvalidArgument("verify_secret is missing", field="verify_secret", hint="or name a source that has one")
    return Keys(descriptors.secret_bytes(descriptor, secret))
