"""Events of the audit as lines of JSON or CSV.

A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula, and names, reasons and payloads are what
somebody sent. So such a cell begins with an apostrophe (as OWASP advises); in JSON everything is as it is.
"""

from __future__ import annotations

import csv
import io
from typing import Any

import msgspec

from app.access.audit_event import AuditEvent
from app.clock import rfc3339

COLUMNS = (
    "position",
    "time",
    "environment",
    "type",
    "actor",
    "action",
    "resource",
    "decision",
    "policy",
    "policy_version",
    "reason",
    "method",
    "address",
    "outcome",
    "count",
    "run_id",
    "function_id",
    "step_id",
    "payload",
    "via",
)

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - spreadsheets take these too
_encode = msgspec.json.Encoder().encode


def jsonl(event: AuditEvent) -> bytes:
    return _encode(_fields(event)) + b"\n"


def csv_header() -> bytes:
    return csv_line(COLUMNS)


def as_csv(event: AuditEvent) -> bytes:
    fields = _fields(event)
    return csv_line([fields[column] for column in COLUMNS])


def csv_line(cells: Any) -> bytes:
    """One record (RFC 4180), every cell quoted."""
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow([cell(one) for one in cells])
    return written.getvalue().encode()


def cell(value: Any) -> str:
    """The value as the text of a cell that no spreadsheet takes for a formula."""
    if isinstance(value, int):
        return str(value)
    text = value if isinstance(value, str) else _encode(value).decode()
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _fields(event: AuditEvent) -> dict[str, Any]:
    return {
        "position": event.position,
        "time": rfc3339(event.at),
        "environment": event.environment,
        "type": event.type,
        "actor": event.actor,
        "action": event.action,
        "resource": event.resource,
        "decision": event.decision,
        "policy": event.policy,
        "policy_version": event.policy_version,
        "reason": event.reason,
        "method": event.method,
        "address": event.address,
        "outcome": event.outcome,
        "count": event.count,
        "run_id": event.run_id,
        "function_id": event.function_id,
        "step_id": event.step_id,
        "payload": event.payload,
        "via": event.via,
    }
