"""`ironflow policy`: rules that take away what roles allow."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from app.cli.client import Session, connected
from app.cli.given import confirm, raw, yes_option
from app.cli.output import ago, plain

_FILE = "FILE holds a policy as JSON, or a list of them; - is standard input."
_SHARE = "enforce_percent"
_DEFINED = (
    *("name", "actions", "resources", "condition", "mode", "roles", "org_id", "environments", "description"),
    *(_SHARE, "valid_from", "valid_until"),
)


@click.group("policy")
def command() -> None:
    """Deny by rules in CEL: check, try, explain, apply and roll back policies."""


@command.command("list")
@click.option("--at", help="As of a position of history, or of a time, such as 15m before now.")
@connected
def list_policies(session: Session, at: str | None) -> None:
    """Policies of the environment and of its organization, by name."""
    session.output.items(
        "ironflow.policies/v1",
        session.client.policies.list(at=at),
        {
            "name": lambda one: one["name"],
            "status": lambda one: one["status"],
            "mode": _mode,
            "version": lambda one: str(one["version"]),
            "actions": lambda one: ", ".join(one["actions"]),
            "would deny": lambda one: str(one["would_deny_count"]) if _tells(one) else "",
            "changed": lambda one: ago(one["updated_at"]),
        },
        empty="no policies: make one with `ironflow policy apply FILE`",
    )


@command.command("get")
@click.argument("name")
@click.option("--at", help="As of a position of history, or of a time, such as 15m before now.")
@connected
def get(session: Session, name: str, at: str | None) -> None:
    """One policy, as JSON."""
    found = session.client.policies.get(name, at=at)
    told = json.dumps({"schema": "ironflow.policy/v1", **found}, ensure_ascii=False, indent=2)
    session.output.out.write("\n".join(plain(line) for line in told.splitlines()) + "\n")


@command.command("check", epilog=_FILE)
@click.argument("file")
@connected
def check(session: Session, file: str) -> None:
    """Whether the policies of FILE could be saved. Exit code 10 if one could not, 5 if it would shut you out."""
    for policy in _policies(file):
        _validated(session, policy)
        session.output.done(f"{policy.get('name')} is valid")


@command.command("apply", epilog=_FILE)
@click.argument("file")
@click.option("--reason", default="", help="Kept in history.")
@connected
def apply(session: Session, file: str, reason: str) -> None:
    """Make or change policies so that they are as FILE says. Others stay as they are."""
    found = {one["name"]: one for one in session.client.policies.list()}
    told: list[dict[str, Any]] = []
    for policy in _policies(file):
        status, saved = _applied(session, found.get(str(policy.get("name"))), policy, reason)
        told.append({"name": saved["name"], "id": saved["id"], "version": saved["version"], "status": status})
    session.output.items(
        "ironflow.policies_applied/v1",
        told,
        {
            "name": lambda one: one["name"],
            "status": lambda one: one["status"],
            "version": lambda one: str(one["version"]),
        },
    )


@command.command("dry-run")
@click.option("--action", required=True, help="Such as secrets:read.")
@click.option("--resource", default="*", show_default=True, help="TYPE/ID, such as secret/stripe.")
@click.option("--role", "roles", multiple=True, help="Of the caller; several times for several.")
@click.option("--subject", default="", help="The caller's id.")
@click.option("--address", default="", help="Where the caller is.")
@click.option("--now", default="", help="At another time: RFC 3339.")
@click.option("--file", "-f", help="With a policy that is not saved, in the place of the one of its name.")
@connected
def dry_run(session: Session, file: str | None, **options: Any) -> None:
    """What policies would say to a request. Exit code 4 if they would deny it."""
    _try(session, file, options, explain=False)


@command.command("explain")
@click.option("--action", required=True, help="Such as secrets:read.")
@click.option("--resource", default="*", show_default=True, help="TYPE/ID, such as secret/stripe.")
@click.option("--role", "roles", multiple=True, help="Of the caller; several times for several.")
@click.option("--subject", default="", help="The caller's id.")
@click.option("--address", default="", help="Where the caller is.")
@click.option("--now", default="", help="At another time: RFC 3339.")
@click.option("--file", "-f", help="With a policy that is not saved, in the place of the one of its name.")
@connected
def explain(session: Session, file: str | None, **options: Any) -> None:
    """Which policy says what to a request, clause by clause. Exit code 4 if they would deny it."""
    _try(session, file, options, explain=True)


@command.command("replay", epilog=_FILE)
@click.argument("file")
@click.option("--limit", default=1_000, show_default=True, type=click.IntRange(1, 1_000), help="Decisions.")
@connected
def replay(session: Session, file: str, limit: int) -> None:
    """Which of the last decisions the first policy of FILE would turn, were it saved. Exit code 5 if any."""
    told = session.client.policies.replay(_policies(file)[0], limit=limit)
    if session.output.form == "table":
        session.output.note(f"{told['decisions']} decisions, {len(told['flips'])} would turn")
        if told["skipped"]:
            session.output.note(f"{told['skipped']} have no permissions recorded, which a condition reads")
    session.output.items(
        "ironflow.policy_replay/v1",
        [{"id": one["actor"], **one} for one in told["flips"]],
        {
            "was": lambda one: one["before"],
            "would be": lambda one: one["after"],
            "who": lambda one: one["actor"],
            "roles": lambda one: ", ".join(one["roles"]),
            "action": lambda one: one["action"],
            "resource": lambda one: one["resource"],
            "when": lambda one: ago(one["decided_at"]),
        },
        empty="nothing",
    )
    if told["flips"]:
        click.get_current_context().exit(5)


@command.command("versions")
@click.argument("name")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 200), help="At most so many.")
@connected
def versions(session: Session, name: str, limit: int) -> None:
    """Versions of NAME, newest first."""
    session.output.items(
        "ironflow.policy_versions/v1",
        [{"id": str(one["version"]), **one} for one in session.client.policies.versions(name, limit=limit)],
        {
            "version": lambda one: str(one["version"]),
            "operation": lambda one: (
                one["operation"] + (f" (version {one['restored_from']})" if "restored_from" in one else "")
            ),
            "mode": lambda one: one.get("policy", {}).get("mode", ""),
            "when": lambda one: ago(one["created_at"]),
            "who": lambda one: one["actor"],
            "reason": lambda one: one["reason"],
        },
    )


@command.command("rollback")
@click.argument("name")
@click.argument("version", type=click.IntRange(1))
@click.option("--reason", help="Kept in history.")
@connected
def rollback(session: Session, name: str, version: int, reason: str | None) -> None:
    """Bring VERSION of NAME back, as a new one."""
    now = session.client.policies.get(name)["version"]
    _told(session, session.client.policies.roll_back(name, version, version=now, reason=reason))


@command.command("disable")
@click.argument("name")
@click.option("--reason", help="Kept in history.")
@connected
def disable(session: Session, name: str, reason: str | None) -> None:
    """Keep NAME without asking it."""
    _told(session, session.client.policies.disable(name, reason=reason))


@command.command("enable")
@click.argument("name")
@click.option("--reason", help="Kept in history.")
@connected
def enable(session: Session, name: str, reason: str | None) -> None:
    """Ask NAME again."""
    _told(session, session.client.policies.enable(name, reason=reason))


@command.command("monitor")
@click.argument("name")
@click.option("--reason", default="", help="Kept in history.")
@connected
def monitor(session: Session, name: str, reason: str) -> None:
    """Let NAME deny nothing, and only tell what it would have denied."""
    _told(session, session.client.policies.change(name, mode="monitor", reason=reason))


@command.command("enforce")
@click.argument("name")
@click.option("--reason", default="", help="Kept in history.")
@click.option("--percent", default=100, show_default=True, type=click.IntRange(1, 100), help="Of callers, for a start.")
@connected
def enforce(session: Session, name: str, reason: str, percent: int) -> None:
    """Let NAME deny what it says; with --percent, to so many of 100 callers, always the same; of the rest it only
    tells."""
    _told(session, session.client.policies.change(name, mode="enforce", enforce_percent=percent, reason=reason))


@command.command("delete")
@click.argument("name")
@click.option("--reason", help="Kept in history.")
@yes_option
@connected
def delete(session: Session, name: str, reason: str | None, yes: bool) -> None:
    """Delete NAME. Its versions stay in history."""
    confirm(session.output, name, f"This deletes the policy {name}: what it denies is allowed again.", yes=yes)
    session.client.policies.delete(name, reason=reason)
    session.output.done(f"{name} is deleted")


def _applied(
    session: Session, known: Mapping[str, Any] | None, policy: Mapping[str, Any], reason: str
) -> tuple[str, Mapping[str, Any]]:
    client = session.client.policies
    wanted = _validated(session, policy)
    if known is None:
        return "created", client.create(**{"reason": reason, **policy})
    if known["status"] == "active" and all(known.get(name) == wanted.get(name) for name in _DEFINED):
        return "unchanged", known
    return "changed", client.replace(**{"reason": reason, **policy}, version=known["version"])


def _validated(session: Session, policy: Mapping[str, Any]) -> Mapping[str, Any]:
    """The policy as it would be saved, once what is doubtful has been told."""
    told = session.client.policies.validate(policy)
    for warning in told["warnings"]:
        session.output.note(f"{policy['name']}: {plain(warning)}")
    found: Mapping[str, Any] = told["policy"]
    return found


def _policies(file: str) -> Sequence[dict[str, Any]]:
    """Those in a file. Raises UsageError."""
    try:
        content = json.loads(raw(file if file == "-" else f"@{file}"))
    except ValueError as error:
        raise click.UsageError(f"{file} is not JSON: {error}") from None
    listed = content if isinstance(content, list) else [content]
    if not listed or not all(isinstance(one, dict) and one.get("name") and one.get("actions") for one in listed):
        raise click.UsageError(f'{file} holds no policies: each is an object with "name" and "actions"')
    return listed


def _try(session: Session, file: str | None, options: dict[str, Any], *, explain: bool) -> None:
    policy = _policies(file)[0] if file else None
    request = {
        "action": options["action"],
        "resource": options["resource"],
        "subject": {"id": options["subject"], "roles": list(options["roles"])},
        "address": options["address"],
        "now": options["now"],
    }
    told = session.client.policies.dry_run(request, policy=policy, explain=explain)
    if not session.output.told("ironflow.policy_dry_run/v1", told):
        _show(session, told)
    if told["decision"] == "deny":
        click.get_current_context().exit(4)


def _show(session: Session, told: Mapping[str, Any]) -> None:
    output = session.output
    reason = told.get("denial", {}).get("reason", "no policy denies it; roles have to allow it")
    output.out.write(f"{told['decision']}: {plain(reason)}\n")
    for warning in told["warnings"]:
        output.note(plain(warning))
    for denial in told["would_deny"]:
        output.out.write(f"would deny: {plain(denial['reason'])}\n")
    for one in told.get("explain", ()):
        said = "denies" if one["denies"] else "says nothing"
        watched = " (monitor)" if one["mode"] == "monitor" else " (not for this caller)" if _spared(one) else ""
        output.out.write(f"\n{plain(one['policy'])} v{one['version']}{watched}: {plain(one.get('why_not') or said)}\n")
        for clause in one["clauses"]:
            held = {True: "true", False: "false", None: "fails"}[clause["holds"]]
            output.out.write(
                f"  {held:<5}  {plain(clause['clause'])}  {plain(clause.get('error', ''))}".rstrip() + "\n"
            )


def _mode(policy: Mapping[str, Any]) -> str:
    mode = str(policy["mode"])
    return f"{mode} {policy[_SHARE]} %" if mode == "enforce" and policy[_SHARE] < 100 else mode


def _tells(policy: Mapping[str, Any]) -> bool:
    """Whether there is somebody whom it would deny, and does not."""
    return policy["mode"] == "monitor" or int(policy[_SHARE]) < 100


def _spared(explained: Mapping[str, Any]) -> bool:
    return bool(explained["applies"]) and not explained["enforced"]


def _told(session: Session, policy: Mapping[str, Any]) -> None:
    if not session.output.told("ironflow.policy/v1", policy):
        share = f", for {policy[_SHARE]} % of callers" if policy[_SHARE] < 100 else ""
        mode = ", and only tells" if policy["mode"] == "monitor" else share
        session.output.done(f"{policy['name']} is {policy['status']}{mode}, version {policy['version']}")
