"""`ironflow outbox`: what NATS does not have yet."""

from __future__ import annotations

import click

from app.cli.client import Session, connected


@click.command("outbox")
@connected
def command(session: Session) -> None:
    """Show how far NATS has what history has, and why it has no more."""
    found = session.client.outbox()
    output = session.output
    if output.told("ironflow.outbox/v1", found):
        return
    output.fields(
        [
            ("connected", "yes" if found["connected"] else "no"),
            ("published", f"{found['position']} of {found['head']}"),
            ("waiting", str(found["waiting"])),
            ("trouble", found["trouble"]),
            ("without data", str(found["omitted_total"] or "")),
            ("taken in", str(found["ingested_total"] or "")),
            ("refused", str(found["refused_total"] or "")),
        ]
    )
    if found["omitted"]:
        output.items(
            "ironflow.outbox/v1",
            found["omitted"],
            {
                "position": lambda entry: str(entry["position"]),
                "kind": lambda entry: entry["kind"],
                "bytes": lambda entry: str(entry["size_bytes"]),
                "at most": lambda entry: str(entry["size_bytes_max"]),
            },
        )
