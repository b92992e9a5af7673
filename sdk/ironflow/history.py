"""History as it was recorded: its entries, what caused them and what came of them."""

from __future__ import annotations

from datetime import datetime

from ironflow.calls import Call, Json, Page, Plan, chosen


def list_entries(
    *,
    kind: str | None = None,
    stream: str | None = None,
    actor: str | None = None,
    correlation: str | None = None,
    causation: str | None = None,
    since: str | datetime | None = None,
    until: str | datetime | None = None,
    at: int | str | None = None,
    direction: str = "forward",
    limit: int = 100,
    cursor: str | None = None,
) -> Plan[Page]:
    """Entries in order, or with direction `backward` newest first. `kind` is a name or such as `run.*`, several with
    commas; `causation` such as `run/{id}`, for the key-values that a run wrote. The server looks at so many entries at
    a time, so that an empty page may have a `next_cursor`."""
    params = chosen(
        kind=kind,
        stream=stream,
        actor=actor,
        correlation=correlation,
        causation=causation,
        since=since,
        until=until,
        at=at,
        direction=direction,
        limit=limit,
        cursor=cursor,
    )
    answer = yield Call("GET", "/api/v1/history", params, again=True)
    return Page(answer["entries"], answer.get("next_cursor", ""))


def get_entry(position: int) -> Plan[Json]:
    """The entry at a position. Raises NotFound."""
    found: Json = yield Call("GET", f"/api/v1/history/{position}", again=True)
    return found


def lineage(position: int) -> Plan[Json]:
    """`entry`, `causes` from the nearest back to where it began, and `effects` as a tree. Raises NotFound."""
    found: Json = yield Call("GET", f"/api/v1/history/{position}/lineage", again=True)
    return found


def facets(
    *,
    kind: str | None = None,
    stream: str | None = None,
    actor: str | None = None,
    since: str | datetime | None = None,
    until: str | datetime | None = None,
    at: int | str | None = None,
) -> Plan[Json]:
    """How many entries there are: `kinds`, `actors`, and `lanes` over time; of the newest positions up to `at`, from
    `first` to `last`."""
    params = chosen(kind=kind, stream=stream, actor=actor, since=since, until=until, at=at)
    found: Json = yield Call("GET", "/api/v1/history/facets", params, again=True)
    return found
