"""`ironflow kv`: key-values, their history, and buckets."""

from __future__ import annotations

import base64
import json
import sys
from typing import TYPE_CHECKING, Any

import click

from app.cli.client import Session, connected
from app.cli.given import DURATION, confirm, raw, yes_option
from app.cli.output import ago, plain

if TYPE_CHECKING:
    from ironflow.kv import KvEntry

VALUE_CHARS_SHOWN = 60
_VALUE = "VALUE is text, @FILE, or - for standard input: kept byte for byte."


@click.group("kv")
def command() -> None:
    """Read and write key-values; see their history; follow them."""


@command.command("get")
@click.argument("bucket")
@click.argument("key")
@click.option("--at", help="As of a position of history, or of a time, such as 15m before now.")
@connected
def get(session: Session, bucket: str, key: str, at: str | None) -> None:
    """The value of KEY, and nothing else; with --json also its revision."""
    entry = session.client.kv.get(bucket, key, at=at)
    output = session.output
    if output.told("ironflow.kv/v1", _told(entry)):
        return
    if sys.stdout.isatty():
        output.out.write(plain(entry.raw.decode(errors="replace")) + "\n")
    else:
        output.out.flush()
        sys.stdout.buffer.write(entry.raw)


@command.command("put", epilog=_VALUE)
@click.argument("bucket")
@click.argument("key")
@click.argument("value")
@click.option("--ttl", type=DURATION, help="How long it stays, such as 30s; else as the bucket says.")
@connected
def put(session: Session, bucket: str, key: str, value: str, ttl: str | None) -> None:
    """Put VALUE, whatever is there."""
    _written(session, bucket, key, session.client.kv.put(bucket, key, raw(value), ttl=ttl))


@command.command("create", epilog=_VALUE)
@click.argument("bucket")
@click.argument("key")
@click.argument("value")
@click.option("--ttl", type=DURATION, help="How long it stays, such as 30s; else as the bucket says.")
@connected
def create(session: Session, bucket: str, key: str, value: str, ttl: str | None) -> None:
    """Put VALUE if there is none; exit code 5 otherwise."""
    _written(session, bucket, key, session.client.kv.create(bucket, key, raw(value), ttl=ttl))


@command.command("cas", epilog=_VALUE)
@click.argument("bucket")
@click.argument("key")
@click.argument("value")
@click.option("--revision", required=True, type=click.IntRange(1), help="The one that must still be there.")
@click.option("--ttl", type=DURATION, help="How long it stays, such as 30s; else as the bucket says.")
@connected
def cas(session: Session, bucket: str, key: str, value: str, revision: int, ttl: str | None) -> None:
    """Put VALUE if KEY is still at a revision; exit code 5 otherwise."""
    _written(session, bucket, key, session.client.kv.cas(bucket, key, raw(value), revision=revision, ttl=ttl))


@command.command("incr")
@click.argument("bucket")
@click.argument("key")
@click.option("--by", default=1, show_default=True, type=int, help="May be negative.")
@connected
def incr(session: Session, bucket: str, key: str, by: int) -> None:
    """Add to the whole number in KEY, 0 if there is none; print what it is then."""
    value = session.client.kv.incr(bucket, key, by)
    if not session.output.told("ironflow.kv_counter/v1", {"bucket": bucket, "key": key, "value": value}):
        session.output.out.write(f"{value}\n")


@command.command("delete")
@click.argument("bucket")
@click.argument("key")
@click.option("--revision", type=click.IntRange(1), help="Only if it is still at this one.")
@click.option("--purge", is_flag=True, help="No longer show its revisions so far.")
@connected
def delete(session: Session, bucket: str, key: str, revision: int | None, purge: bool) -> None:
    """Delete KEY; a missing one is no error."""
    session.client.kv.delete(bucket, key, purge=purge, revision=revision)
    session.output.outcome(
        "ironflow.kv_deleted/v1",
        {"bucket": bucket, "key": key, "purged": purge},
        f"{bucket}/{key} is {'purged' if purge else 'deleted'}",
    )


@command.command("list")
@click.argument("bucket")
@click.argument("pattern", required=False)
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000), help="At most so many.")
@click.option("--cursor", help="Where the page before ended.")
@connected
def list_keys(session: Session, bucket: str, pattern: str | None, limit: int, cursor: str | None) -> None:
    """Keys of BUCKET in order, those that fit PATTERN: user.* or user.>"""
    page = session.client.kv.keys(bucket, pattern, limit=limit, cursor=cursor)
    session.output.items(
        "ironflow.kv_keys/v1",
        [{"id": key, "key": key} for key in page.items],
        {"key": lambda item: item["key"]},
        next_cursor=page.next_cursor,
        empty=f"no keys: write one with `ironflow kv put {bucket} KEY VALUE`",
    )


@command.command("history")
@click.argument("bucket")
@click.argument("key")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="At most so many.")
@click.option("--before", type=click.IntRange(1), help="Only those before this revision.")
@connected
def history(session: Session, bucket: str, key: str, limit: int, before: int | None) -> None:
    """Revisions of KEY, newest first, back to where it was purged."""
    entries = session.client.kv.history(bucket, key, limit=limit, before=before)
    session.output.items(
        "ironflow.kv_history/v1",
        [{"id": str(entry.revision), **_told(entry)} for entry in entries],
        {
            "revision": lambda item: str(item["revision"]),
            "operation": lambda item: item["operation"],
            "when": lambda item: ago(item["created_at"]),
            "position": lambda item: str(item["position"]),
            "value": _value_shown,
        },
    )


@command.command("watch")
@click.argument("bucket")
@click.argument("pattern", required=False)
@click.option("--after", type=click.IntRange(0), help="A position of history; else from now on.")
@click.option("--count", type=click.IntRange(1), help="End after so many.")
@connected
def watch(session: Session, bucket: str, pattern: str | None, after: int | None, count: int | None) -> None:
    """Follow BUCKET: every revision in order, until Ctrl-C. One line each; with --json one object a line."""
    output = session.output
    session.client.kv.bucket(bucket)
    for number, entry in enumerate(session.client.kv.watch(bucket, pattern, after=after), 1):
        told = _told(entry)
        if output.form == "table":
            shown = _value_shown(told) if entry.operation == "put" else ""
            line = f"{entry.position:>8}  {entry.operation:<6}  {entry.key}  #{entry.revision}  {shown}"
            output.out.write(plain(line).rstrip() + "\n")
        else:
            output.out.write(json.dumps(told, ensure_ascii=False) + "\n")
        output.out.flush()
        if number == count:
            return


@command.group("bucket")
def bucket() -> None:
    """Create, list and delete buckets."""


@bucket.command("create")
@click.argument("name")
@click.option("--ttl", type=DURATION, help="How long values stay after each put, such as 1h. Default: for ever.")
@click.option("--history", default=1, show_default=True, type=click.IntRange(1, 1000), help="Revisions shown unasked.")
@click.option("--max-value-size", default=0, help="Bytes of one value.")
@click.option("--max-bytes", default=0, help="Bytes of all values.")
@click.option("--description", "-d", default="", help="What it is for.")
@connected
def create_bucket(session: Session, name: str, **options: Any) -> None:
    """Create a bucket."""
    made = session.client.kv.create_bucket(name, **options)
    session.output.outcome("ironflow.bucket/v1", made, f"bucket {name} is there", f"ironflow kv put {name} KEY VALUE")


@bucket.command("list")
@connected
def list_buckets(session: Session) -> None:
    """Every bucket, with what is in it."""
    session.output.items(
        "ironflow.buckets/v1",
        [{"id": one["name"], **one} for one in session.client.kv.buckets()],
        {
            "name": lambda one: one["name"],
            "values": lambda one: str(one["values"]),
            "bytes": lambda one: str(one["bytes"]),
            "ttl": lambda one: f"{one['ttl_seconds']} s" if one.get("ttl_seconds") else "",
            "created": lambda one: ago(one["created_at"]),
            "about": lambda one: one.get("description", ""),
        },
        empty="no buckets: create one with `ironflow kv bucket create NAME`",
    )


@bucket.command("get")
@click.argument("name")
@connected
def get_bucket(session: Session, name: str) -> None:
    """One bucket."""
    found = session.client.kv.bucket(name)
    if session.output.told("ironflow.bucket/v1", found):
        return
    ttl_s, value_max, bytes_max = (found.get(part) for part in ("ttl_seconds", "max_value_size", "max_bytes"))
    session.output.fields(
        [
            ("Bucket", found["name"]),
            ("Values", f"{found['values']} of {found['bytes']} bytes"),
            ("Time to live", f"{ttl_s} s" if ttl_s else ""),
            ("History", f"{found['history']} revisions shown unasked"),
            ("Value at most", f"{value_max} bytes" if value_max else ""),
            ("All at most", f"{bytes_max} bytes" if bytes_max else ""),
            ("Created", f"{found['created_at']}  ({ago(found['created_at'])})"),
            ("About", found.get("description", "")),
        ]
    )


@bucket.command("delete")
@click.argument("name")
@yes_option
@connected
def delete_bucket(session: Session, name: str, yes: bool) -> None:
    """Delete a bucket with all its keys."""
    count = session.client.kv.bucket(name)["values"]
    confirm(session.output, name, f"This deletes bucket {name} with its {count} values.", yes=yes)
    session.client.kv.delete_bucket(name)
    session.output.outcome(
        "ironflow.bucket_deleted/v1", {"name": name, "values": count}, f"bucket {name} is deleted, with {count} values"
    )


def _told(entry: KvEntry) -> dict[str, Any]:
    """An entry for programs: JSON values as they are, others in base64."""
    told: dict[str, Any] = {
        "bucket": entry.bucket,
        "key": entry.key,
        "value": entry.value,
        "revision": entry.revision,
        "operation": entry.operation,
        "created_at": entry.created_at,
        "expires_at": entry.expires_at,
        "position": entry.position,
    }
    if isinstance(entry.value, bytes):
        told |= {"value": None, "base64": base64.b64encode(entry.value).decode()}
    return told


def _value_shown(told: Any) -> str:
    if told["operation"] != "put":
        return ""
    if "base64" in told:
        text = base64.b64decode(told["base64"]).decode(errors="replace")
    else:
        text = json.dumps(told["value"], ensure_ascii=False)
    return text if len(text) <= VALUE_CHARS_SHOWN else text[: VALUE_CHARS_SHOWN - 1] + "…"


def _written(session: Session, bucket: str, key: str, revision: int) -> None:
    session.output.outcome(
        "ironflow.kv_put/v1",
        {"bucket": bucket, "key": key, "revision": revision},
        f"{bucket}/{key} is at revision {revision}",
    )
