"""What is decided of requests, and what is recorded of that."""

from __future__ import annotations

import msgspec

from app.history.kinds.base import Fact


class AuthzRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """A request as it was decided. Its actor is that of the entry."""

    action: str
    resource: str
    method: str = ""
    address: str = ""
    actor_kind: str = ""
    roles: tuple[str, ...] = ()
    org: str = ""
    bound_to: str = ""


class AuthzDenied(Fact, frozen=True):
    """stream audit/decisions, as are the next three. `policy` is the id of the one that denied it, "" if roles do not
    allow it. The request came `count` times from `since` (µs) on, which an earlier entry told of once."""

    kind = "authz.denied"
    asked: AuthzRequest
    reason: str
    policy: str = ""
    policy_version: int = 0
    count: int = 1
    since: int = 0


class AuthzAllowed(Fact, frozen=True):
    """`outcome` is what came of it: "" if it was carried out, or is something that lasts; else the code of the error
    that it was answered with, or UNKNOWN if it had no answer."""

    kind = "authz.allowed"
    asked: AuthzRequest
    count: int = 1
    since: int = 0
    outcome: str = ""


class AuthzWouldDeny(Fact, frozen=True):
    """A policy in monitor mode would have denied it."""

    kind = "authz.would_deny"
    asked: AuthzRequest
    reason: str
    policy: str = ""
    policy_version: int = 0
    count: int = 1
    since: int = 0


class AuthzSuppressed(Fact, frozen=True):
    """There were so many decisions from `since` on that this number of them was counted only."""

    kind = "authz.suppressed"
    count: int
    since: int


class AuditSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is recorded of decisions beside denials and administrative acts: allowed reads, other allowed requests; and
    no decision on actions that fit one of the patterns. `redacted_fields` are left out of what the audit shows."""

    reads: bool = False
    writes: bool = False
    excluded_actions: tuple[str, ...] = ()
    redacted_fields: tuple[str, ...] = ()


class AuditSettingsChanged(Fact, frozen=True):
    """stream audit/settings"""

    kind = "audit.settings_changed"
    settings: AuditSettings
    reason: str = ""


FACTS: tuple[type[Fact], ...] = (AuthzDenied, AuthzAllowed, AuthzWouldDeny, AuthzSuppressed, AuditSettingsChanged)
