"""`ironflow webhook`: who may deliver, how that is verified, and what came."""

from __future__ import annotations

import json
from typing import Any

import click

from app.cli import each
from app.cli.client import Session, connected
from app.cli.given import DURATION, confirm, document, secret_of, yes_option
from app.cli.output import Output, ago, plain

_VERIFY = "How other senders sign: JSON, @FILE or -; see docs/guides/webhooks.md."
_SECRET = "The secret that the sender signs with: @FILE or - for standard input; else it is asked for."


@click.group("webhook")
def command() -> None:
    """Receive webhooks: sources, their secrets, deliveries."""


@command.command("create")
@click.argument("name")
@click.option("--provider", help="github, stripe, slack, shopify or standard.")
@click.option("--verify", help=_VERIFY)
@click.option("--secret", "source", help=_SECRET)
@click.option("--unsigned", is_flag=True, help="Ask for no signature: whoever knows the URL may deliver.")
@click.option("--prefix", "event_prefix", default="", help="What names of events begin with; default the provider.")
@click.option(
    "--schema-version", default=1, show_default=True, type=click.IntRange(1), help="Version of the events' schema."
)
@click.option("--metadata", help="A JSON object that every event gets.")
@connected
def create(
    session: Session,
    name: str,
    provider: str | None,
    verify: str | None,
    source: str | None,
    unsigned: bool,
    event_prefix: str,
    schema_version: int,
    metadata: str | None,
) -> None:
    """Make a source; the URL to deliver to is shown this once."""
    if unsigned == bool(provider or verify):
        raise click.UsageError("Say who signs, with --provider or --verify, or that nobody does, with --unsigned.")
    made = session.client.webhooks.create(
        name,
        provider=provider or "",
        secret="" if unsigned else secret_of(source),
        event_prefix=event_prefix,
        verify=document(verify, what="--verify") if verify else None,
        schema_version=schema_version,
        metadata=document(metadata, what="--metadata") if metadata else None,
    )
    _made(session, made)


@command.command("list")
@connected
def list_sources(session: Session) -> None:
    """Every source, without secrets."""
    session.output.items(
        "ironflow.webhooks/v1",
        session.client.webhooks.list(),
        {
            "id": lambda one: one["id"],
            "name": lambda one: one["name"],
            "type": lambda one: one["source_type"],
            "status": lambda one: session.output.status(one["status"]),
            "events": lambda one: f"{one['event_prefix'].rstrip('.')}.…" if one["event_prefix"] else "",
            "signed": lambda one: "yes" if one["verify_secret_set"] else "no",
            "changed": lambda one: ago(one["updated_at"]),
        },
        empty="no sources: make one with `ironflow webhook create NAME --provider github`",
    )


@command.command("get")
@click.argument("source")
@connected
def get(session: Session, source: str) -> None:
    """The source of that id or name; its secret and its token are not shown."""
    _show(session, session.client.webhooks.get(source))


@command.command("update")
@click.argument("source")
@click.option("--name", help="What to call it.")
@click.option("--prefix", "event_prefix", help="What names of events begin with.")
@click.option("--verify", help=_VERIFY)
@click.option("--schema-version", type=click.IntRange(1), help="Version of the events' schema.")
@click.option("--metadata", help="A JSON object that every event gets.")
@connected
def update(session: Session, source: str, verify: str | None, metadata: str | None, **changes: Any) -> None:
    """Change a source."""
    changes["verify"] = document(verify, what="--verify") if verify else None
    changes["metadata"] = document(metadata, what="--metadata") if metadata else None
    if all(value is None for value in changes.values()):
        raise click.UsageError("There is nothing to change.")
    _changed(session, session.client.webhooks.update(source, **changes), "is changed")


@command.command("pause")
@click.argument("source")
@click.option("--reason", default="", help="Kept in history.")
@connected
def pause(session: Session, source: str, reason: str) -> None:
    """Hold what is delivered from now on; `webhook replay` makes events of it."""
    _changed(session, session.client.webhooks.pause(source, reason=reason), "is paused")


@command.command("test")
@click.argument("source")
@click.option("--deliver", is_flag=True, help="Record it, and make an event of it, which starts what it starts.")
@connected
def test(session: Session, source: str, deliver: bool) -> int:
    """Make a delivery up, signed with the source's secret, and see what the source says of it. The exit code is 1 if it
    is refused."""
    found = session.client.webhooks.try_out(source, deliver=deliver)
    output = session.output
    if not output.told("ironflow.webhook_test/v1", found):
        _checks(output, found["checks"])
        output.fields([("Event", found["event_name"]), ("Delivery", found.get("delivery_id", ""))])
        output.done("it is taken" if found["verified"] else "it is refused")
    return int(not found["verified"])


@command.command("resume")
@click.argument("source")
@connected
def resume(session: Session, source: str) -> None:
    """Make events of what is delivered again."""
    changed = session.client.webhooks.resume(source)
    following = f"ironflow webhook replay $(ironflow webhook deliveries {changed['name']} --status held -o id)"
    _changed(session, changed, "is active", following)


@command.command("rotate")
@click.argument("source")
@click.option("--secret", "given", help=_SECRET)
@click.option(
    "--grace", type=DURATION, help="How long the secret before still counts, such as 1h; default a day, 0s not at all."
)
@click.option("--token", is_flag=True, help="Make a new URL instead; the old one is gone at once.")
@connected
def rotate(session: Session, source: str, given: str | None, grace: str | None, token: bool) -> None:
    """Give a new secret, beside which the one before counts for a while; or a new URL."""
    if token:
        if given is not None or grace is not None:
            raise click.UsageError("A token has no secret and no grace.")
        _made(session, session.client.webhooks.rotate_token(source))
        return
    session.client.webhooks.get(source)
    changed = session.client.webhooks.rotate(source, secret_of(given), grace=grace)
    until = changed.get("verify_secret_prev_expires_at")
    _changed(session, changed, "has a new secret" + (f"; the one before counts until {until}" if until else ""))


@command.command("delete")
@click.argument("source")
@yes_option
@connected
def delete(session: Session, source: str, yes: bool) -> None:
    """Delete a source; its deliveries can still be read."""
    name = session.client.webhooks.get(source)["name"]
    confirm(session.output, name, f"This ends the URL of {name}, and destroys its secret.", yes=yes)
    session.client.webhooks.delete(source)
    session.output.outcome("ironflow.webhook_deleted/v1", {"name": name}, f"{name} is deleted")


@command.command("deliveries")
@click.argument("source", required=False)
@click.option("--status", type=click.Choice(["accepted", "held", "failed", "rejected"]), help="Of these only.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 200), help="At most so many.")
@click.option("--cursor", help="Where the page before ended.")
@connected
def deliveries(session: Session, source: str | None, status: str | None, limit: int, cursor: str | None) -> None:
    """What came, newest first, to one SOURCE or to all."""
    page = session.client.webhooks.deliveries(source, status=status, limit=limit, cursor=cursor)
    session.output.items(
        "ironflow.webhook_deliveries/v1",
        page.items,
        {
            "id": lambda one: one["id"],
            "status": lambda one: session.output.status(one["status"]),
            "when": lambda one: ago(one["created_at"]),
            "secret": lambda one: one["signature_key"],
            "event": lambda one: one["event_name"],
            "why": lambda one: one.get("error", "")[:80],
        },
        next_cursor=page.next_cursor,
        empty="nothing came",
    )


@command.command("delivery")
@click.argument("delivery_id", metavar="DELIVERY")
@connected
def delivery(session: Session, delivery_id: str) -> None:
    """One delivery: what it came with, and what was looked at to verify it."""
    found = session.client.webhooks.delivery(delivery_id)
    output = session.output
    if output.told("ironflow.webhook_delivery/v1", found):
        return
    output.fields(
        [
            ("Delivery", found["id"]),
            ("Status", output.status(found["status"])),
            ("Why", found.get("error", "")),
            ("Source", found["source_id"]),
            ("Sender's id", found["external_id"]),
            ("Came", f"{found['created_at']}  ({ago(found['created_at'])})"),
            ("Secret", found["signature_key"]),
            ("Event", " ".join(filter(None, (found["event_name"], found["event_id"])))),
            ("Replays", str(found["replays"] or "")),
        ]
    )
    _checks(output, found["checks"])
    for name, value in found["request_headers"].items():
        output.out.write(plain(f"{name}: {value}") + "\n")
    output.out.write("\n" + "\n".join(plain(line) for line in found["request_body"].splitlines()) + "\n")


@command.command("replay")
@click.argument("delivery_ids", metavar="DELIVERY…", nargs=-1, required=True)
@connected
def replay(session: Session, delivery_ids: tuple[str, ...]) -> int:
    """Make deliveries events, once more or at last. What was refused is verified again, as of when it came. Of several,
    each that is refused is named, the others are replayed; the exit code is 1 then."""
    output = session.output

    def one(delivery_id: str) -> None:
        told = session.client.webhooks.replay(delivery_id)
        if output.form == "table":
            output.done(f"{delivery_id} is {told['event_name']} {told['event_id']}")
        else:
            output.out.write(json.dumps({"schema": "ironflow.webhook_replay/v1", **told}) + "\n")

    outcome = each.change(delivery_ids, one)
    outcome.tell_refused(output)
    return outcome.exit_code


def _made(session: Session, made: dict[str, Any]) -> None:
    url = session.client.url + made["ingest_path"]
    if session.output.told("ironflow.webhook/v1", {"url": url, **made}):
        return
    session.output.done(f"{made['name']} takes deliveries at", f"give that URL, by its public host, to {made['name']}")
    session.output.out.write(url + "\n")


def _changed(session: Session, changed: dict[str, Any], fact: str, following: str = "") -> None:
    session.output.outcome("ironflow.webhook/v1", changed, f"{changed['name']} {fact}", following)


def _show(session: Session, found: dict[str, Any]) -> None:
    if session.output.told("ironflow.webhook/v1", found):
        return
    verify, until = found["verify_config"], found.get("verify_secret_prev_expires_at")
    session.output.fields(
        [
            ("Source", f"{found['name']}  {found['id']}"),
            ("Type", found["source_type"]),
            ("Status", session.output.status(found["status"])),
            ("Events", f"{found['event_prefix'].rstrip('.')}.…" if found["event_prefix"] else ""),
            ("Named by", verify.get("event_name_path", "")),
            ("Known by", verify.get("dedup_id_path", "")),
            ("Signature", f"{verify.get('signature_header', 'none')}  {verify.get('algorithm', '')}".strip()),
            ("Secret", "set" if found["verify_secret_set"] else "none: nothing is verified"),
            ("Before it", f"counts until {until}" if until else ""),
            ("URL's token", f"{found['ingest_token_prefix']}…"),
            ("Changed", f"{found['updated_at']}  ({ago(found['updated_at'])})"),
        ]
    )


def _checks(output: Output, checks: list[dict[str, Any]]) -> None:
    """What was looked at, line by line."""
    for check in checks:
        mark, color = ("+", "32") if check["passed"] else ("-", "31")
        output.out.write(output.paint(plain(f"{mark} {check['name']}: {check['detail']}"), color) + "\n")
