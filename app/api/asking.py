"""What every change of a run is asked with, from headers and body alike."""

from __future__ import annotations

import re

import falcon.asgi

from app.api import conditions
from app.api.caller import caller_of
from app.errors import InvalidArgument
from app.runs.asking import Request
from app.values.kv import ABSENT, PRESENT

VIA_HEADER = "X-Ironflow-Via"
_VIA = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]{0,63}")

HEADERS = {
    "Idempotency-Key": "asked for again with the same key, nothing is done twice",
    "If-Match": "the version of the run that was looked at; if it has another by now, the change is refused",
    VIA_HEADER: "what a person acts through, such as tui or dap/vscode: the audit tells it of the change",
}


def request_of(req: falcon.asgi.Request, reason: str, expected: int | None = None) -> Request:
    """`expected` of the body counts before If-Match. Raises InvalidArgument."""
    version = conditions.expected_of(req) if expected is None else expected
    if version in (ABSENT, PRESENT):
        version = None  # a run that is changed is there
    return Request(reason, caller_of(req).actor, req.get_header("Idempotency-Key") or "", version, via_of(req))


def via_of(req: falcon.asgi.Request) -> str:
    """What the caller says to act through; "" if nothing is told. Raises InvalidArgument."""
    told = req.get_header(VIA_HEADER) or ""
    if told and _VIA.fullmatch(told) is None:
        raise InvalidArgument(
            f"{told[:80]!r} does not tell what somebody acts through",
            field=VIA_HEADER,
            hint="letters, digits and . _ / + -, at most 64, such as dap/vscode",
        )
    return told
