"""Whoever adds something to ask says who may ask it."""

from __future__ import annotations

from app.access.permissions import ADMIN, DEVELOPER, KNOWN, RPC, SELF, SYSTEM_ROLES, VIEWER
from app.rpc.tables import TABLES
from tests.support import doors


def test_every_operation_has_a_known_permission_or_says_why_it_is_open() -> None:
    for asked in doors.operations():
        operation = asked.operation
        assert bool(operation.permission) != bool(operation.open), (asked.method, asked.template)
        if operation.permission != SELF:
            assert operation.open or operation.permission in KNOWN, (asked.method, asked.template, operation.permission)


def test_every_call_has_a_known_permission_or_is_open() -> None:
    calls = {(call.service, call.method) for call in doors.calls()}
    assert {(service, method) for service, table in TABLES.items() for method in table} <= calls
    for call in doors.calls():
        assert call.permission == "" or call.permission in KNOWN, call


def test_no_permission_is_for_a_call_that_is_not_there() -> None:
    described = {
        f"{service}/{name}"
        for proto in doors.PROTOS
        for service, one in proto.DESCRIPTOR.services_by_name.items()
        for name in one.methods_by_name
    }

    assert set(RPC) <= described


def test_what_only_reads_never_needs_more_than_a_viewer_has_but_for_what_is_confidential() -> None:
    confidential = {"secrets:read", "policies:read", "audit:read", "audit:export"}

    for asked in doors.operations():
        needed = asked.operation.permission
        if asked.method == "GET" and needed not in {"", SELF, *confidential} and not needed.startswith("platform:"):
            assert needed in VIEWER | {"workers:connect"}, (asked.template, needed)


def test_each_role_has_all_of_the_one_below() -> None:
    assert VIEWER < DEVELOPER < ADMIN
    assert SYSTEM_ROLES["platform_viewer"] < SYSTEM_ROLES["platform_operator"] < SYSTEM_ROLES["platform_admin"]
    assert not any(name.startswith("platform:") for name in ADMIN)
    assert not any(name.split(":")[-1] in ("manage", "write", "emit", "delete") for name in VIEWER)
