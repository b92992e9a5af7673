"""`ironflow doctor`: what works here, what does not, and how to mend it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import click

from app.cli import executable
from app.cli.client import Session, connected
from app.resources import VERSION, ResourceMissing, nats_server
from app.settings import Settings, resolve

SKEW_S_MAX = 2.0
_ICONS = {"ok": ("✓", "[ok]", "32"), "warn": ("!", "[!]", "33"), "bad": ("✕", "[x]", "31")}


class Finding(NamedTuple):
    """`grade` is ok, warn or bad; `mend` what to do about it."""

    grade: str
    subject: str
    text: str
    mend: str = ""


@click.command("doctor")
@connected
def command(session: Session) -> int:
    """Check the server, its data and this terminal. Exit code 1 if something is broken."""
    settings = resolve({})
    findings = [*_executable(), *_server(session), *_data(settings), *_nats(settings), *_terminal()]
    output = session.output
    if not output.told("ironflow.doctor/v1", {"findings": [finding._asdict() for finding in findings]}):
        for finding in findings:
            icon, ascii_icon, color = _ICONS[finding.grade]
            output.out.write(
                f"{output.paint(icon if output.unicode else ascii_icon, color)} {finding.subject}: {finding.text}\n"
            )
            if finding.mend:
                output.out.write(f"    {finding.mend}\n")
    return int(any(finding.grade == "bad" for finding in findings))


def _executable() -> Iterator[Finding]:
    found = executable.unpacked()
    if found is None:
        return
    file, folder = found
    try:
        changed = list(executable.changed(file, folder))
    except (OSError, ValueError) as error:
        yield Finding("warn", "executable", str(error), "install it again")
        return
    if changed:
        shown = ", ".join(changed[:3]) + (", …" if len(changed) > 3 else "")
        yield Finding("bad", "executable", f"not as packed: {shown}", f"stop ironflow, then: rm -r {folder}")
    else:
        yield Finding("ok", "executable", f"{file}, unpacked in {folder}, every byte as packed")


def _server(session: Session) -> Iterator[Finding]:
    from ironflow.errors import IronflowError

    client = session.client
    try:
        health, ready = client.health(), client.ready()
    except IronflowError as error:
        yield Finding("bad", "server", error.message, "start it: ironflow serve")
        return
    yield Finding("ok", "server", f"{client.url} answers, version {health.get('version')}")
    if health.get("version") != VERSION:
        yield Finding("warn", "version", f"this command line is {VERSION}", "use the release that the server runs")
    issues = ready.get("issues", {})
    for part, text in issues.items():
        yield Finding("bad", part, str(text), "see the server's log")
    told = datetime.fromisoformat(str(health["timestamp"]))
    skew_s = abs((datetime.now(UTC) - told).total_seconds())
    if skew_s > SKEW_S_MAX:
        yield Finding("warn", "clock", f"differs from the server's by {skew_s:.1f} s", "synchronise both with NTP")
    workers = client.workers()
    grade = "ok" if workers else "warn"
    yield Finding(grade, "workers", f"{len(workers)} connected", "" if workers else "start one, else no run goes on")
    yield from clocks(workers)


def clocks(workers: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Of each worker whose clock differs from the server's."""
    for worker in workers:
        if worker.get("skewed"):
            off_s = worker["skew_ms"] / 1_000
            side = "ahead of" if off_s > 0 else "behind"
            text = f"that of worker {worker['id']} is {abs(off_s):.1f} s {side} the server's"
            yield Finding("warn", "clock", text, "synchronise both with NTP")


def _data(settings: Settings) -> Iterator[Finding]:
    if settings.database_url:
        yield _postgres(settings.database_url)
        return
    folder = Path(settings.data_dir)
    if not folder.exists():
        yield Finding("ok", "data", f"{folder} will be made by the first `ironflow serve` here")
    elif not os.access(folder, os.W_OK):
        yield Finding("bad", "data", f"{folder} cannot be written", f"chown or chmod {folder}")
    else:
        free_gib = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize / 2**30
        grade = "ok" if free_gib > 1 else "warn"
        yield Finding(grade, "data", f"{folder} is writable, {free_gib:.1f} GiB free")


def _postgres(url: str) -> Finding:
    from app.cli.offline import with_store
    from storage.contract import StorageError

    try:
        with_store(None, url, lambda storage: storage.check_schema())
    except StorageError as error:
        return Finding("bad", "database", str(error), error.hint)
    return Finding("ok", "database", "Postgres answers, and its schema fits")


def _nats(settings: Settings) -> Iterator[Finding]:
    if settings.nats_url:
        yield Finding("ok", "nats", f"an external server is used: {settings.nats_url.rpartition('@')[2]}")
        return
    try:
        yield Finding("ok", "nats", f"nats-server is at {nats_server()}")
    except ResourceMissing as error:
        yield Finding("bad", "nats", str(error), "make setup")


def _terminal() -> Iterator[Finding]:
    encoding = (sys.stdout.encoding or "").lower()
    if "utf" not in encoding:
        yield Finding(
            "warn", "terminal", f"encoding {encoding or 'unknown'}: icons are shown as ASCII", "export LC_ALL=C.UTF-8"
        )
    else:
        yield Finding("ok", "terminal", "UTF-8" if sys.stdout.isatty() else "UTF-8, not a terminal: no colours")
