"""Looking after the platform: `client.platform`, for who may. Its users and roles, the policy set that counts in every
organization, and what was done to it. See docs/guides/access.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ironflow.calls import Call, Json, Page, Plan, chosen, quoted, sent
from ironflow.parts import AsyncPart, Awaited, Blocking, Part

PATH = "/api/v1/platform"
SET = f"{PATH}/policy-set"


def bootstrap(email: str, password: str, *, name: str = "") -> Plan[Json]:
    """The first user, who may do everything. Raises Conflict once somebody looks after the platform."""
    body = {"email": email, "password": password, "name": name}
    return (yield from sent(Call("POST", f"{PATH}/bootstrap", body=body)))


def users() -> Plan[Sequence[Json]]:
    """Those who look after the platform."""
    found: Sequence[Json] = yield Call("GET", f"{PATH}/users", again=True)
    return found


def create_user(
    email: str, password: str = "", *, name: str = "", roles: Sequence[str] = ("platform_viewer",)
) -> Plan[Json]:
    """Without a password they can sign in by a link only."""
    body = {"email": email, "password": password, "name": name, "role_ids": [*roles]}
    return (yield from sent(Call("POST", f"{PATH}/users", body=body)))


def update_user(
    id: str,
    *,
    email: str | None = None,
    name: str | None = None,
    password: str | None = None,
    active: bool | None = None,
    roles: Sequence[str] | None = None,
) -> Plan[Json]:
    """What is not given stays as it is. Who is no longer active is signed out everywhere."""
    given = {
        "email": email,
        "name": name,
        "password": password,
        "is_active": active,
        "role_ids": None if roles is None else [*roles],
    }
    body = {key: value for key, value in given.items() if value is not None}
    return (yield from sent(Call("PUT", f"{PATH}/users/{quoted(id)}", body=body)))


def delete_user(id: str) -> Plan[None]:
    yield Call("DELETE", f"{PATH}/users/{quoted(id)}")


def roles() -> Plan[Sequence[Json]]:
    """Roles of those who look after the platform."""
    found: Sequence[Json] = yield Call("GET", f"{PATH}/roles", again=True)
    return found


def create_role(name: str, permissions: Sequence[str]) -> Plan[Json]:
    body = {"name": name, "permissions": [*permissions]}
    return (yield from sent(Call("POST", f"{PATH}/roles", body=body)))


def update_role(id: str, *, name: str | None = None, permissions: Sequence[str] | None = None) -> Plan[Json]:
    """What is not given stays as it is."""
    body: dict[str, object] = {} if name is None else {"name": name}
    body |= {} if permissions is None else {"permissions": [*permissions]}
    return (yield from sent(Call("PUT", f"{PATH}/roles/{quoted(id)}", body=body)))


def delete_role(id: str) -> Plan[None]:
    """Raises Conflict while somebody has it."""
    yield Call("DELETE", f"{PATH}/roles/{quoted(id)}")


def policy_set() -> Plan[Json]:
    """The set that counts in every organization; version 0 if there is none."""
    return (yield from sent(Call("GET", SET, again=True)))


def set_policy_set(
    modules: Mapping[str, str], *, version: int, mode: str = "enforce", decision: str | None = None
) -> Plan[Json]:
    """Replace the set that is still at a version, 0 if there is none. Raises Conflict, InvalidArgument."""
    body = {"modules": dict(modules), "mode": mode, "decision": decision}
    return (yield from sent(Call("PUT", SET, body=body, headers={"If-Match": str(version)})))


def policy_set_versions() -> Plan[Sequence[Json]]:
    """Versions of the set, newest first. Raises NotFound."""
    found: Sequence[Json] = (yield Call("GET", f"{SET}/versions", again=True))["versions"]
    return found


def roll_back_policy_set(to: int, *, version: int) -> Plan[Json]:
    """Bring version `to` back, as a new one, if the set is still at `version`. Raises NotFound, Conflict."""
    where = f"{SET}/versions/{to}/rollback"
    return (yield from sent(Call("POST", where, headers={"If-Match": str(version)})))


def monitor(org: str, policy: str | None = None, *, reason: str) -> Plan[Json]:
    """Let a policy of an organization, by id or name, or its policy set deny nothing any more, and only tell. Raises
    NotFound."""
    part = "policy-set" if policy is None else f"policies/{quoted(policy)}"
    return (yield from sent(Call("POST", f"{PATH}/orgs/{quoted(org)}/{part}/monitor", body={"reason": reason})))


def audit(
    *, event_type: str | None = None, org: str | None = None, limit: int = 50, cursor: str | None = None
) -> Plan[Page]:
    """What was done to the platform, and in which organization somebody acted, newest first."""
    params = chosen(event_type=event_type, impersonated_org_id=org, limit=limit, cursor=cursor)
    answer = yield Call("GET", f"{PATH}/audit", params, again=True)
    return Page(answer["events"], answer.get("next_cursor", ""))


class Platform(Part):
    bootstrap = Blocking(bootstrap)
    users = Blocking(users)
    create_user = Blocking(create_user)
    update_user = Blocking(update_user)
    delete_user = Blocking(delete_user)
    roles = Blocking(roles)
    create_role = Blocking(create_role)
    update_role = Blocking(update_role)
    delete_role = Blocking(delete_role)
    policy_set = Blocking(policy_set)
    set_policy_set = Blocking(set_policy_set)
    policy_set_versions = Blocking(policy_set_versions)
    roll_back_policy_set = Blocking(roll_back_policy_set)
    monitor = Blocking(monitor)
    audit = Blocking(audit)


class AsyncPlatform(AsyncPart):
    bootstrap = Awaited(bootstrap)
    users = Awaited(users)
    create_user = Awaited(create_user)
    update_user = Awaited(update_user)
    delete_user = Awaited(delete_user)
    roles = Awaited(roles)
    create_role = Awaited(create_role)
    update_role = Awaited(update_role)
    delete_role = Awaited(delete_role)
    policy_set = Awaited(policy_set)
    set_policy_set = Awaited(set_policy_set)
    policy_set_versions = Awaited(policy_set_versions)
    roll_back_policy_set = Awaited(roll_back_policy_set)
    monitor = Awaited(monitor)
    audit = Awaited(audit)
