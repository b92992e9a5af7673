"""Who may do what: `client.apikeys`, `roles`, `users`, `orgs`, `projects`, `environments`, `tenants`, `client.me()`.

A secret is told once, when it is made: keep `created["key"]`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ironflow.calls import Call, Json, Plan, quoted, sent
from ironflow.parts import AsyncPart, Awaited, Blocking, Part

API = "/api/v1"


def me() -> Plan[Json]:
    """Who the client is to the server: id, roles, permissions, organization and environment."""
    return (yield from sent(Call("GET", f"{API}/auth/me", again=True)))


def list_keys() -> Plan[Sequence[Json]]:
    """Keys, without their secrets."""
    return (yield from _listed("apikeys"))


def get_key(id: str) -> Plan[Json]:
    return (yield from sent(Call("GET", _path("apikeys", id), again=True)))


def key_access(id: str, *, action: str = "", resource: str = "*") -> Plan[Json]:
    """What a key may (`permissions`), by which `roles`, and the `policies` asked about it; with an action, the
    `decision` on it and what makes it."""
    params = {"action": action, "resource": resource} if action else {}
    return (yield from sent(Call("GET", f"{_path('apikeys', id)}/access", params, again=True)))


def create_key(
    name: str,
    *,
    roles: Sequence[str] = ("viewer",),
    environment: str = "",
    expires_in: str = "",
    platform: bool = False,
) -> Plan[Json]:
    """A new key, with its secret as `key`. It is bound to the environment if one is given; `expires_in` is such as
    `720h` or `90d`."""
    body = {
        "name": name,
        "role_ids": [*roles],
        "env_id": environment,
        "expires_in": expires_in,
        "platform": platform,
    }
    return (yield from sent(Call("POST", f"{API}/apikeys", body=body)))


def rotate_key(id: str, *, overlap_s: int | None = None) -> Plan[Json]:
    """The key with another secret. The old one counts on for the overlap, by default a day; 0 ends it now."""
    body = {} if overlap_s is None else {"overlap_seconds": overlap_s}
    return (yield from sent(Call("POST", f"{_path('apikeys', id)}/rotate", body=body)))


def replace_roles(id: str, roles: Sequence[str]) -> Plan[Json]:
    """The key with other roles."""
    return (yield from sent(Call("PUT", f"{_path('apikeys', id)}/roles", body={"role_ids": [*roles]})))


def revoke_key(id: str, *, reason: str = "") -> Plan[None]:
    """At once, for what is connected too."""
    yield Call("DELETE", _path("apikeys", id), params={"reason": reason} if reason else {})


def list_roles() -> Plan[Sequence[Json]]:
    """Roles, those of the system first."""
    return (yield from _listed("roles"))


def get_role(id: str) -> Plan[Json]:
    """By id or name, with what it allows."""
    return (yield from sent(Call("GET", _path("roles", id), again=True)))


def create_role(name: str, permissions: Sequence[str]) -> Plan[Json]:
    return (yield from sent(Call("POST", f"{API}/roles", body={"name": name, "permissions": [*permissions]})))


def update_role(id: str, *, name: str | None = None, permissions: Sequence[str] | None = None) -> Plan[Json]:
    """What is not given stays as it is."""
    body = _given(name=name, permissions=None if permissions is None else [*permissions])
    return (yield from sent(Call("PATCH", _path("roles", id), body=body)))


def delete_role(id: str) -> Plan[None]:
    """Raises Conflict while somebody has it."""
    yield Call("DELETE", _path("roles", id))


def list_users() -> Plan[Sequence[Json]]:
    return (yield from _listed("users"))


def get_user(id: str) -> Plan[Json]:
    return (yield from sent(Call("GET", _path("users", id), again=True)))


def create_user(email: str, password: str = "", *, name: str = "", roles: Sequence[str] = ("viewer",)) -> Plan[Json]:
    """Without a password the user can sign in by a link only."""
    body = {"email": email, "password": password, "name": name, "roles": [*roles]}
    return (yield from sent(Call("POST", f"{API}/users", body=body)))


def update_user(
    id: str,
    *,
    email: str | None = None,
    name: str | None = None,
    roles: Sequence[str] | None = None,
    active: bool | None = None,
) -> Plan[Json]:
    """What is not given stays as it is. Who is no longer active is signed out everywhere, and cannot sign in."""
    body = _given(email=email, name=name, roles=None if roles is None else [*roles], is_active=active)
    return (yield from sent(Call("PATCH", _path("users", id), body=body)))


def set_password(id: str, new: str, *, current: str = "") -> Plan[None]:
    """The current one has to be told for one's own. The user's sessions are over."""
    yield Call("PATCH", f"{_path('users', id)}/password", body={"new_password": new, "current_password": current})


def sign_in_link(id: str) -> Plan[Json]:
    """A `url` that signs its bearer in as the user, once, within 15 minutes."""
    return (yield from sent(Call("POST", f"{_path('users', id)}/link")))


def delete_user(id: str) -> Plan[None]:
    yield Call("DELETE", _path("users", id))


def list_orgs() -> Plan[Sequence[Json]]:
    return (yield from _listed("orgs"))


def get_org(id: str) -> Plan[Json]:
    return (yield from sent(Call("GET", _path("orgs", id), again=True)))


def create_org(name: str) -> Plan[Json]:
    return (yield from sent(Call("POST", f"{API}/orgs", body={"name": name})))


def update_org(id: str, *, name: str | None = None, timezone: str | None = None) -> Plan[Json]:
    """What is not given stays as it is."""
    body = _given(name=name, preferences=None if timezone is None else {"default_timezone": timezone})
    return (yield from sent(Call("PATCH", _path("orgs", id), body=body)))


def delete_org(id: str) -> Plan[None]:
    """Its keys and sessions count no more."""
    yield Call("DELETE", _path("orgs", id))


def list_projects() -> Plan[Sequence[Json]]:
    return (yield from _listed("projects"))


def create_project(name: str, description: str = "") -> Plan[Json]:
    return (yield from sent(Call("POST", f"{API}/projects", body={"name": name, "description": description})))


def update_project(id: str, *, name: str | None = None, description: str | None = None) -> Plan[Json]:
    """What is not given stays as it is."""
    body = _given(name=name, description=description)
    return (yield from sent(Call("PUT", _path("projects", id), body=body)))


def delete_project(id: str) -> Plan[Json]:
    return (yield from sent(Call("DELETE", _path("projects", id))))


def list_environments(project: str = "") -> Plan[Sequence[Json]]:
    return (yield from _listed("environments", project_id=project))


def create_environment(name: str, *, project: str = "", color: str = "") -> Plan[Json]:
    body = {"name": name, "project_id": project, "color": color}
    return (yield from sent(Call("POST", f"{API}/environments", body=body)))


def update_environment(id: str, *, name: str | None = None, color: str | None = None) -> Plan[Json]:
    """What is not given stays as it is."""
    return (yield from sent(Call("PUT", _path("environments", id), body=_given(name=name, color=color))))


def delete_environment(id: str) -> Plan[Json]:
    """Keys that are bound to it are revoked; history stays."""
    return (yield from sent(Call("DELETE", _path("environments", id))))


def list_tenants() -> Plan[Sequence[Json]]:
    """Organizations with what they have."""
    return (yield from _listed("tenants"))


def provision(org_name: str, env_name: str = "") -> Plan[Json]:
    """A new organization, its environment, and an administrator's key, told once as `api_key.key`."""
    body = {"org_name": org_name, "env_name": env_name}
    return (yield from sent(Call("POST", f"{API}/tenants/provision", body=body)))


class ApiKeys(Part):
    list = Blocking(list_keys)
    get = Blocking(get_key)
    access = Blocking(key_access)
    create = Blocking(create_key)
    rotate = Blocking(rotate_key)
    replace_roles = Blocking(replace_roles)
    revoke = Blocking(revoke_key)


class AsyncApiKeys(AsyncPart):
    list = Awaited(list_keys)
    get = Awaited(get_key)
    access = Awaited(key_access)
    create = Awaited(create_key)
    rotate = Awaited(rotate_key)
    replace_roles = Awaited(replace_roles)
    revoke = Awaited(revoke_key)


class Roles(Part):
    list = Blocking(list_roles)
    get = Blocking(get_role)
    create = Blocking(create_role)
    update = Blocking(update_role)
    delete = Blocking(delete_role)


class AsyncRoles(AsyncPart):
    list = Awaited(list_roles)
    get = Awaited(get_role)
    create = Awaited(create_role)
    update = Awaited(update_role)
    delete = Awaited(delete_role)


class Users(Part):
    list = Blocking(list_users)
    get = Blocking(get_user)
    create = Blocking(create_user)
    update = Blocking(update_user)
    set_password = Blocking(set_password)
    sign_in_link = Blocking(sign_in_link)
    delete = Blocking(delete_user)


class AsyncUsers(AsyncPart):
    list = Awaited(list_users)
    get = Awaited(get_user)
    create = Awaited(create_user)
    update = Awaited(update_user)
    set_password = Awaited(set_password)
    sign_in_link = Awaited(sign_in_link)
    delete = Awaited(delete_user)


class Orgs(Part):
    list = Blocking(list_orgs)
    get = Blocking(get_org)
    create = Blocking(create_org)
    update = Blocking(update_org)
    delete = Blocking(delete_org)


class AsyncOrgs(AsyncPart):
    list = Awaited(list_orgs)
    get = Awaited(get_org)
    create = Awaited(create_org)
    update = Awaited(update_org)
    delete = Awaited(delete_org)


class Projects(Part):
    list = Blocking(list_projects)
    create = Blocking(create_project)
    update = Blocking(update_project)
    delete = Blocking(delete_project)


class AsyncProjects(AsyncPart):
    list = Awaited(list_projects)
    create = Awaited(create_project)
    update = Awaited(update_project)
    delete = Awaited(delete_project)


class Environments(Part):
    list = Blocking(list_environments)
    create = Blocking(create_environment)
    update = Blocking(update_environment)
    delete = Blocking(delete_environment)


class AsyncEnvironments(AsyncPart):
    list = Awaited(list_environments)
    create = Awaited(create_environment)
    update = Awaited(update_environment)
    delete = Awaited(delete_environment)


class Tenants(Part):
    list = Blocking(list_tenants)
    provision = Blocking(provision)


class AsyncTenants(AsyncPart):
    list = Awaited(list_tenants)
    provision = Awaited(provision)


def _listed(noun: str, **params: str) -> Plan[Sequence[Json]]:
    given = {name: value for name, value in params.items() if value}
    found: Sequence[Json] = yield Call("GET", f"{API}/{noun}", params=given, again=True)
    return found


def _path(noun: str, id: str) -> str:
    return f"{API}/{noun}/{quoted(id)}"


def _given(**fields: object) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}
