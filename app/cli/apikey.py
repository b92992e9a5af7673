"""`ironflow apikey`: keys for programs. A secret is shown once, when it is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from app.cli.client import Session, connected
from app.cli.given import confirm, yes_option
from app.cli.output import ago, plain


@click.group("apikey")
def command() -> None:
    """Make, list, rotate and revoke API keys."""


@command.command("create")
@click.argument("name")
@click.option("--role", "-r", "roles", multiple=True, help="A role's name; several may be given. Default viewer.")
@click.option("--bind", metavar="ENV", default="", help="The only environment that it may see.")
@click.option("--expires", metavar="720h|90d", default="", help="After that it counts no more.")
@click.option("--platform", is_flag=True, help="For looking after all organizations.")
@connected
def create(session: Session, name: str, roles: tuple[str, ...], bind: str, expires: str, platform: bool) -> None:
    """Make a key called NAME."""
    made = session.client.apikeys.create(
        name, roles=roles or ("viewer",), environment=bind, expires_in=expires, platform=platform
    )
    _secret(session, made)


@command.command("list")
@connected
def list_keys(session: Session) -> None:
    """Keys, without their secrets."""
    session.output.items(
        "ironflow.apikeys/v1",
        session.client.apikeys.list(),
        {
            "id": lambda one: one["id"],
            "name": lambda one: one["name"],
            "begins": lambda one: one["key_prefix"],
            "roles": lambda one: ", ".join(one["role_ids"]),
            "env": lambda one: one["environment_id"],
            "last used": lambda one: ago(one["last_used_at"]) or "never",
            "from": lambda one: one["last_used_from"],
            "made by": lambda one: one["created_by_name"] or one["created_by"],
            "expires": lambda one: ago(one["expires_at"]),
        },
        empty="no keys: make one with `ironflow apikey create NAME --role developer`",
    )


@command.command("access")
@click.argument("id")
@click.option("--action", default="", help="Decide this too, such as secrets:read.")
@click.option("--resource", default="*", show_default=True, help="On this, such as secret/stripe.")
@connected
def access(session: Session, id: str, action: str, resource: str) -> None:
    """What the key ID may; with --action, whether it may do that, and why. Exit code 4 if it may not."""
    told = session.client.apikeys.access(id, action=action, resource=resource)
    decision = told.get("decision")
    if not session.output.told("ironflow.apikey_access/v1", told):
        lines = [f"{role['name']}: {', '.join(role['permissions']) or 'nothing'}" for role in told["roles"]]
        lines += [
            f"policy {policy['name']}{'' if policy['enforced'] else ' (only tells)'}: {', '.join(policy['actions'])}"
            for policy in told["policies"]
        ]
        if decision:
            lines = [f"{'yes' if decision['allowed'] else 'no'}: {decision['reason']}"]
            lines += [f"would deny: {reason}" for reason in decision["would_deny"]]
        session.output.out.write("".join(f"{plain(line)}\n" for line in lines))
    if decision and not decision["allowed"]:
        click.get_current_context().exit(4)


@command.command("rotate")
@click.argument("id")
@click.option("--overlap", metavar="SECONDS", type=int, help="How long the old secret counts on; 0 ends it now.")
@connected
def rotate(session: Session, id: str, overlap: int | None) -> None:
    """Give the key ID another secret; the old one counts on for a day."""
    _secret(session, session.client.apikeys.rotate(id, overlap_s=overlap))


@command.command("roles")
@click.argument("id")
@click.argument("roles", nargs=-1, required=True)
@connected
def replace_roles(session: Session, id: str, roles: tuple[str, ...]) -> None:
    """Give the key ID these ROLES instead of those it has."""
    key = session.client.apikeys.replace_roles(id, roles)
    session.output.outcome("ironflow.apikey/v1", key, f"{key['name']} has {', '.join(key['role_ids'])}")


@command.command("delete")
@click.argument("id")
@click.option("--reason", default="", help="Why, for history.")
@yes_option
@connected
def delete(session: Session, id: str, reason: str, yes: bool) -> None:
    """Revoke the key ID: at once, for what is connected too."""
    key = session.client.apikeys.get(id)
    confirm(session.output, key["name"], f"This revokes {key['name']}: whoever uses it is cut off at once.", yes=yes)
    session.client.apikeys.revoke(id, reason=reason)
    session.output.done(f"{key['name']} is revoked")


def _secret(session: Session, made: Mapping[str, Any]) -> None:
    if session.output.told("ironflow.apikey/v1", made):
        return
    session.output.out.write(f"{made['key']}\n")
    session.output.note(f"This is shown once. {made['name']} is {made['id']}, with {', '.join(made['role_ids'])}.")
