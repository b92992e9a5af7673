"""`ironflow platform`: who looks after all organizations, what counts in each of them, and what was done."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from app.cli.client import Session, connected
from app.cli.given import confirm, document, secret_of, yes_option
from app.cli.output import ago, plain


@click.group("platform")
def command() -> None:
    """Look after all organizations: who may, and what counts everywhere."""


@command.command("bootstrap")
@click.argument("email")
@click.argument("source", required=False)
@click.option("--name", default="", help="What to call them.")
@connected
def bootstrap(session: Session, email: str, source: str | None, name: str) -> None:
    """Make the first user, who may do everything. The password is asked for, or read from SOURCE: @FILE, or -."""
    made = session.client.platform.bootstrap(email, secret_of(source), name=name)
    _done(session, made, f"{made['email']} looks after the platform")


@command.group("user")
def user() -> None:
    """Those who look after the platform."""


@user.command("list")
@connected
def list_users(session: Session) -> None:
    """Users who look after the platform."""
    session.output.items(
        "ironflow.platform_users/v1",
        session.client.platform.users(),
        {
            "id": lambda one: one["id"],
            "email": lambda one: one["email"],
            "name": lambda one: one["name"],
            "roles": lambda one: ", ".join(one["role_ids"]),
            "": lambda one: "" if one["is_active"] else "disabled",
            "signed in": lambda one: ago(one["last_login_at"]),
        },
        empty="nobody: make the first with `ironflow platform bootstrap EMAIL`",
    )


@user.command("create")
@click.argument("email")
@click.argument("source", required=False)
@click.option("--name", default="", help="What to call them.")
@click.option("--role", "-r", "roles", multiple=True, help="Several may be given. Default platform_viewer.")
@click.option("--without-password", is_flag=True, help="They sign in by a link: `ironflow login --link EMAIL`.")
@connected
def create_user(
    session: Session, email: str, source: str | None, name: str, roles: tuple[str, ...], without_password: bool
) -> None:
    """Make a user. The password is asked for, or read from SOURCE: @FILE, or - for standard input."""
    password = "" if without_password else secret_of(source)
    made = session.client.platform.create_user(email, password, name=name, roles=roles or ("platform_viewer",))
    _done(session, made, f"{made['email']} has {', '.join(made['role_ids'])}")


@user.command("update")
@click.argument("email")
@click.option("--role", "-r", "roles", multiple=True, help="Instead of those they have; several may be given.")
@click.option("--name", help="What to call them.")
@click.option("--enable/--disable", "active", default=None, help="Whether they can sign in.")
@connected
def update_user(session: Session, email: str, roles: tuple[str, ...], name: str | None, active: bool | None) -> None:
    """Change the user EMAIL. Who is disabled is signed out everywhere."""
    id = _id(session, email)
    changed = session.client.platform.update_user(id, name=name, active=active, roles=roles or None)
    _done(session, changed, f"{changed['email']} is changed")


@user.command("delete")
@click.argument("email")
@yes_option
@connected
def delete_user(session: Session, email: str, yes: bool) -> None:
    """Delete the user EMAIL; they are signed out everywhere."""
    id = _id(session, email)
    confirm(session.output, email, f"This deletes {email}, who can no longer sign in then.", yes=yes)
    session.client.platform.delete_user(id)
    session.output.done(f"{email} is deleted")


@command.group("role")
def role() -> None:
    """What those may who look after the platform."""


@role.command("list")
@connected
def list_roles(session: Session) -> None:
    """Roles of the platform, those of the system first."""
    session.output.items(
        "ironflow.platform_roles/v1",
        session.client.platform.roles(),
        {
            "id": lambda one: one["id"],
            "name": lambda one: one["name"],
            "kind": lambda one: "system" if one["is_default"] else "own",
            "permissions": lambda one: ", ".join(one["permissions"]),
        },
    )


@role.command("create")
@click.argument("name")
@click.argument("permissions", nargs=-1, required=True)
@connected
def create_role(session: Session, name: str, permissions: tuple[str, ...]) -> None:
    """Make a role called NAME that allows these PERMISSIONS, such as platform:impersonate:read."""
    made = session.client.platform.create_role(name, permissions)
    _done(session, made, f"{made['name']} is {made['id']}")


@role.command("update")
@click.argument("role")
@click.argument("permissions", nargs=-1, required=True)
@connected
def update_role(session: Session, role: str, permissions: tuple[str, ...]) -> None:
    """Let the ROLE, an id or a name, allow these PERMISSIONS instead, for all who have it, at once."""
    changed = session.client.platform.update_role(role, permissions=permissions)
    _done(session, changed, f"{changed['name']} allows {', '.join(changed['permissions'])}")


@role.command("delete")
@click.argument("role")
@yes_option
@connected
def delete_role(session: Session, role: str, yes: bool) -> None:
    """Delete a ROLE that nobody has."""
    confirm(session.output, role, f"This deletes the role {role}.", yes=yes)
    session.client.platform.delete_role(role)
    session.output.done(f"{role} is deleted")


@command.group("policies")
def policies() -> None:
    """The policy set that counts in every organization."""


@policies.command("get")
@connected
def get_policies(session: Session) -> None:
    """The set, as JSON."""
    told = json.dumps({"schema": "ironflow.policy_set/v1", **session.client.platform.policy_set()}, indent=2)
    session.output.out.write("\n".join(plain(line) for line in told.splitlines()) + "\n")


@policies.command(
    "apply", epilog='FILE is such as {"modules": {"no-secrets": "request.action == …"}, "mode": "monitor"}.'
)
@click.argument("file")
@connected
def apply_policies(session: Session, file: str) -> None:
    """Make the set as FILE says; - is standard input. Without a mode it denies nothing, and only tells."""
    told = document(file if file == "-" else f"@{file}")
    found = session.client.platform.policy_set()
    if not isinstance(told.get("modules"), dict):
        raise click.UsageError(f'{file} has no "modules"')
    if found["version"] and all(told.get(name, given) == found.get(name) for name, given in _DEFAULTS.items()):
        _set(session, found, "unchanged")
        return
    wanted = {**_DEFAULTS, **{name: told[name] for name in _DEFAULTS if name in told}}
    _set(session, session.client.platform.set_policy_set(**wanted, version=found["version"]), "saved")


@policies.command("versions")
@connected
def versions(session: Session) -> None:
    """Versions of the set, newest first."""
    session.output.items(
        "ironflow.policy_set_versions/v1",
        [{"id": str(one["version"]), **one} for one in session.client.platform.policy_set_versions()],
        {
            "version": lambda one: str(one["version"]),
            "mode": lambda one: one["mode"],
            "when": lambda one: ago(one["created_at"]),
            "who": lambda one: one.get("created_by", ""),
        },
    )


@policies.command("rollback")
@click.argument("version", type=click.IntRange(1))
@connected
def rollback(session: Session, version: int) -> None:
    """Bring VERSION back, as a new one."""
    now = session.client.platform.policy_set()["version"]
    _set(session, session.client.platform.roll_back_policy_set(version, version=now), "brought back")


@command.command("monitor")
@click.argument("org")
@click.argument("policy", required=False)
@click.option("--reason", required=True, help="Kept in history, where the organization sees it.")
@connected
def monitor(session: Session, org: str, policy: str | None, reason: str) -> None:
    """Let the POLICY of the organization ORG deny nothing any more, and only tell; its policy set if none is named."""
    changed = session.client.platform.monitor(org, policy, reason=reason)
    _done(session, changed, f"{policy or 'the policy set'} of {org} only tells, from version {changed['version']} on")


@command.command("audit")
@click.option("--org", help="What was done in or to this organization.")
@click.option("--type", "event_type", help="authz.allowed, authz.denied or platform.impersonated.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 500), help="At most so many.")
@click.option("--cursor", help="Where the page before ended.")
@connected
def audit(session: Session, org: str | None, event_type: str | None, limit: int, cursor: str | None) -> None:
    """What was done to the platform, and in which organization somebody acted, newest first."""
    page = session.client.platform.audit(org=org, event_type=event_type, limit=limit, cursor=cursor)
    session.output.items(
        "ironflow.platform_audit/v1",
        page.items,
        {
            "position": lambda one: one["id"],
            "when": lambda one: ago(one["created_at"]),
            "what": lambda one: one["event_type"],
            "who": lambda one: one["actor"],
            "action": lambda one: one.get("action", ""),
            "resource": lambda one: one["resource"],
            "refused": lambda one: one.get("outcome", ""),
        },
        next_cursor=page.next_cursor,
        empty="nothing was recorded",
    )


_DEFAULTS: Mapping[str, Any] = {"modules": {}, "mode": "monitor", "decision": None}


def _id(session: Session, email: str) -> str:
    """Of a user of the platform by address or id. Raises NotFound."""
    from ironflow.errors import NotFound

    found: Sequence[Mapping[str, Any]] = session.client.platform.users()
    for one in found:
        if email.strip().casefold() in (one["email"], one["id"]):
            return str(one["id"])
    raise NotFound(
        f"there is no user of the platform {email!r}",
        code="IDENTITY_NOT_FOUND",
        hint="`ironflow platform user list` shows them",
    )


def _done(session: Session, told: Mapping[str, Any], fact: str) -> None:
    session.output.outcome("ironflow.platform/v1", told, fact)


def _set(session: Session, told: Mapping[str, Any], what: str) -> None:
    session.output.outcome(
        "ironflow.policy_set/v1", told, f"the set is {what}: version {told['version']}, mode {told['mode']}"
    )
