"""What every change of a run is asked with, from headers and body alike."""

from __future__ import annotations

import falcon.asgi

from app.api import conditions
from app.api.caller import caller_of
from app.runs.asking import Request
from app.values.kv import ABSENT, PRESENT

HEADERS = {
    "Idempotency-Key": "asked for again with the same key, nothing is done twice",
    "If-Match": "the version of the run that was looked at; if it has another by now, the change is refused",
}


def request_of(req: falcon.asgi.Request, reason: str, expected: int | None = None) -> Request:
    """`expected` of the body counts before If-Match. Raises InvalidArgument."""
    version = conditions.expected_of(req) if expected is None else expected
    if version in (ABSENT, PRESENT):
        version = None  # a run that is changed is there
    return Request(reason, caller_of(req).actor, req.get_header("Idempotency-Key") or "", version)
