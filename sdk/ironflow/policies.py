"""Policies: rules in CEL that take away what roles allow. See docs/guides/policies.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ironflow.calls import Call, Json, Plan, chosen, quoted

PATH = "/api/v1/policies"


def list_policies(*, at: int | str | None = None) -> Plan[Sequence[Json]]:
    """Those of the environment and of its organization, by name; as of a position or a time."""
    found: Sequence[Json] = yield Call("GET", PATH, chosen(at=at), again=True)
    return found


def get(name: str, *, at: int | str | None = None) -> Plan[Json]:
    """A policy by name or id, now or as of a position or a time. Raises NotFound."""
    found: Json = yield Call("GET", _path(name), chosen(at=at), again=True)
    return found


def create(name: str, actions: Sequence[str], **options: Any) -> Plan[Json]:
    """A policy that denies actions: `resources`, `condition` (CEL), `mode` (enforce or monitor), `enforce_percent` (of
    the callers; of the rest it only tells), `roles`, `org_id`, `environments`, `valid_from`, `valid_until`,
    `description`, `reason`. Raises InvalidArgument, and Conflict for a name that is taken or a policy that would lock
    you out."""
    made: Json = yield Call("POST", PATH, body={"name": name, "actions": list(actions), **options})
    return made


def replace(name: str, actions: Sequence[str], *, version: int, **options: Any) -> Plan[Json]:
    """Give a policy that is still at a version another definition, as for `create`. Raises Conflict, NotFound."""
    body = {"name": name, "actions": list(actions), **options}
    changed: Json = yield Call("PUT", _path(name), body=body, headers=_at(version), again=True)
    return changed


def change(name: str, *, version: int | None = None, **changes: Any) -> Plan[Json]:
    """Change some of a policy, with the names of `create`. Raises Conflict, NotFound."""
    changed: Json = yield Call("PATCH", _path(name), body=changes, headers=_at(version))
    return changed


def disable(name: str, *, reason: str | None = None, version: int | None = None) -> Plan[Json]:
    """Keep it without asking it. Raises NotFound, Conflict."""
    found: Json = yield Call("POST", _path(name, "disable"), chosen(reason=reason), headers=_at(version))
    return found


def enable(name: str, *, reason: str | None = None, version: int | None = None) -> Plan[Json]:
    """Ask it again. Raises NotFound, Conflict."""
    found: Json = yield Call("POST", _path(name, "enable"), chosen(reason=reason), headers=_at(version))
    return found


def delete(name: str, *, reason: str | None = None, version: int | None = None) -> Plan[None]:
    """Its versions stay. Raises NotFound, Conflict."""
    yield Call("DELETE", _path(name), chosen(reason=reason), headers=_at(version), again=True)


def versions(name: str, *, limit: int = 50, before: int | None = None) -> Plan[Sequence[Json]]:
    """Versions, newest first. Raises NotFound."""
    found: Sequence[Json] = (
        yield Call("GET", _path(name, "versions"), chosen(limit=limit, before=before), again=True)
    )["versions"]
    return found


def version(name: str, number: int) -> Plan[Json]:
    """One version. Raises NotFound."""
    found: Json = yield Call("GET", _path(name, "versions", str(number)), again=True)
    return found


def roll_back(name: str, to: int, *, version: int, reason: str | None = None) -> Plan[Json]:
    """Bring the definition of version `to` back, as a new version, if the policy is still at `version`. Raises
    NotFound, Conflict."""
    where = _path(name, "versions", str(to), "rollback")
    found: Json = yield Call("POST", where, chosen(reason=reason), headers=_at(version))
    return found


def validate(policy: Mapping[str, Any]) -> Plan[Json]:
    """The `policy` as it would be saved, with `warnings` of what in it fits nothing. Raises InvalidArgument, and
    Conflict for one that would keep you from changing it again."""
    found: Json = yield Call("POST", f"{PATH}/validate", body=dict(policy), again=True)
    return found


def dry_run(
    request: Mapping[str, Any], *, policy: Mapping[str, Any] | None = None, explain: bool = False
) -> Plan[Json]:
    """What would be decided of a request (`subject`, `action`, `resource`, `environment` …), with a policy that is not
    saved if one is given: `decision` allow or deny, `denial`, `would_deny`, and with `explain` how each policy stands
    to it, clause by clause."""
    body = {"input": dict(request), "policy": policy and dict(policy), "explain": explain}
    found: Json = yield Call("POST", f"{PATH}/dry-run", body=body, again=True)
    return found


def would_deny(*, since: str | None = None) -> Plan[Json]:
    """How often each policy would have denied what it let pass, in 24 hours or `since` a time: `policies` with
    `policy` (its id), `count`, `actors`, `last_at`."""
    found: Json = yield Call("GET", "/api/v1/audit/would-deny", chosen(since=since), again=True)
    return found


def cel(expression: str, variables: Mapping[str, Any] | None = None) -> Plan[Json]:
    """The value of a CEL expression, with what it cost. Raises InvalidArgument."""
    body = {"expression": expression, "variables": dict(variables or {})}
    found: Json = yield Call("POST", "/api/v1/cel/eval", body=body, again=True)
    return found


def _path(name: str, *further: str) -> str:
    return "/".join((PATH, quoted(name), *further))


def _at(version: int | None) -> dict[str, str]:
    return {} if version is None else {"If-Match": str(version)}
