"""What the server keeps for what clients choose stays small, however many different things they choose.

Each table in memory whose keys come from outside says here what bounds it: a number, or what has to be there before
something gets in. Those with a number are filled beyond it.
"""

from __future__ import annotations

import ast
import gc
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.access import decisions, limits, passes, turned_away
from app.access.actor import Actor
from app.access.decisions import Decisions
from app.access.guard import NAMED_CHARS_MAX, Request
from app.access.limits import RateLimits
from app.access.passes import Pass, Passes
from app.access.throttle import Throttle
from app.access.turned_away import Refusals
from app.clock import ManualClock
from app.dispatch import workers
from app.dispatch.jobs import Job
from app.errors import RateLimited
from app.history.states import STATES_MAX, Slot, States
from app.projections.definition import Chosen

ROOT = Path(__file__).resolve().parents[2]
CLOCK = ManualClock(1_764_000_000_000_000)

BOUNDED = {
    "access/access.py _written": "keys that there are",
    "access/audit.py _settings": "environments whose settings somebody changed, who may",
    "access/audit.py _wanted": "WANTED_MAX",
    "access/audit.py _again": "entries of a minute: OF_ALL_MAX",
    "access/audit.py _begun": "requests that are going, for a minute",
    "access/credentials.py _actors": "keys and sessions that there are",
    "access/credentials.py _keys": "KEYS_REMEMBERED_MAX, of keys that there are",
    "access/credentials.py origins": "keys that there are: Access.write_uses",
    "access/credentials.py used": "keys that there are: Access.write_uses",
    "access/decisions.py _by_action": "ACTIONS_MAX",
    "access/decisions.py _young": "REMEMBERED_MAX",
    "access/decisions.py _old": "REMEMBERED_MAX",
    "access/limits.py _buckets": "BUCKETS_MAX",
    "access/live.py _going": "streams that are open",
    "access/passes.py _young": "REMEMBERED_MAX",
    "access/passes.py _old": "REMEMBERED_MAX",
    "access/policies.py _rows": "policies: POLICIES_MAX of each environment",
    "access/register.py _known": "identities that there are",
    "access/register.py _newest": "identities that there are: _forget_gone",
    "access/register.py _by_prefix": "keys that there are",
    "access/register.py _by_session": "sessions: SESSIONS_MAX of each user",
    "access/register.py _namespaces": "environments that there are",
    "access/register.py _named": "environments that there are",
    "access/sessions.py _links": "LINKS_MAX",
    "access/throttle.py _failures": "REMEMBERED_MAX",
    "access/turned_away.py _known": "REMEMBERED_MAX",
    "api/arrival.py _deadlines": "requests whose bodies arrive: CONNECTIONS_MAX",
    "api/arrival.py _late": "requests whose bodies arrive: CONNECTIONS_MAX",
    "api/connect_streams.py _calls": "methods",
    "api/connections.py _going": "requests that are going",
    "api/connections.py _idle": "connections that there are",
    "api/connections.py _lately": "connections since the last look, seconds ago",
    "api/docs.py _made": "pages of the documentation",
    "api/http.py _given": "parts of the paths of pages",
    "api/http.py _made": "parts of paths that have routes",
    "api/openapi.py _document": "what the document has",
    "api/socket_members.py _open": "SUBSCRIPTIONS_MAX of a socket",
    "api/socket_subscriptions.py _open": "SUBSCRIPTIONS_MAX of a socket",
    "api/sockets.py _open": "sockets that are open",
    "api/table.py _loaded": "modules of the table",
    "api/table.py operations": "methods of routes",
    "metrics.py asked": "metrics of the table",
    "metrics.py entries": "kinds of entries",
    "metrics.py refusals": "codes of errors",
    "metrics.py request_seconds": "routes",
    "metrics.py requests": "routes, methods that we know, and statuses",
    "rpc/conversations.py _open": "workers that are connected",
    "rpc/server.py _added": "workers' service, and the others",
    "rpc/worker.py _receivers": "kinds of messages",
    "webhooks/ingest.py _rejected": "sources that there are",
}
"""By file of `app` and attribute."""


def test_every_table_of_the_doors_says_what_bounds_it() -> None:
    folders = [
        path for folder in ("access", "api", "rpc", "webhooks") for path in (ROOT / "app" / folder).rglob("*.py")
    ]

    found = {
        f"{path.relative_to(ROOT / 'app')} {name}"
        for path in [*folders, ROOT / "app" / "metrics.py"]
        for name in _tables(ast.parse(path.read_text("utf-8")))
    }

    assert found == BOUNDED.keys()


def _tables(tree: ast.AST) -> Iterator[str]:
    """Attributes of objects that begin as empty dicts and sets, and may grow by any key."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Attribute):
            continue
        kept = ast.unparse(node.annotation).partition("[")[0]
        if kept in ("dict", "set", "OrderedDict", "defaultdict"):
            yield node.target.attr


def test_what_is_remembered_of_a_function_has_a_size() -> None:
    """No cache of functions that takes whatever it is called with, for ever."""
    endless = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in (ROOT / "app").rglob("*.py")
        if path.parts[-2] not in ("cli", "tui")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef)
        and any(ast.unparse(one) in ("cache", "functools.cache") for one in node.decorator_list)
        and (node.args.args or node.args.kwonlyargs)
    ]

    assert endless == ["app/runs/record.py: _telling"]  # by kinds of facts


def test_keys_that_ask_are_counted_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BUCKETS_MAX", 100)
    found = RateLimits(CLOCK, per_key=1)
    for _ in range(2):
        found.take("often", "")

    for number in range(1_000):
        found.take(f"ak_{number}", "")
        with pytest.raises(RateLimited):  # who asks all the time is not forgotten for those who ask once
            found.take("often", "")

    assert len(found) == 100


def test_accounts_and_addresses_that_fail_are_counted_up_to_a_number() -> None:
    found = Throttle(CLOCK, remembered_max=100)

    for number in range(1_000):
        found.failed("account ada@example.com", f"address 10.0.{number // 250}.{number % 250}")

    assert len(found) == 100
    with pytest.raises(RateLimited):
        found.check("account ada@example.com", "address 10.9.9.9")


def test_workers_that_are_turned_away_are_remembered_up_to_a_number() -> None:
    found = Refusals(CLOCK)

    for number in range(1_000):
        key = f"ifkey_{'0' * 60}{number:03}"
        found.note(f"env_{number % 100}", key, code="UNAUTHENTICATED", message="no", address="")

    assert len(found) <= turned_away.REMEMBERED_MAX
    assert [one.key for one in found.listed("env_99")] == ["ifkey_…99"]


class Transport:
    """What a session's worker is told by."""

    def assign(self, job: Job) -> None: ...
    def cancel(self, job: Job, reason: str) -> None: ...


def test_workers_that_left_are_remembered_up_to_a_number_and_without_what_they_were_to_be_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workers, "DEPARTED_MAX", 2)
    sessions, transports, kept = workers.Sessions(), [], []
    for number in range(3):
        info = workers.WorkerInfo(f"w{number}", "default", frozenset("f"), max_concurrent_jobs=1)
        desk = Transport()
        transports.append(weakref.ref(desk))
        session = workers.new_session(
            info, transport="stream", lease_ttl_s=1, credit=1, now_us=0, assign=desk.assign, cancel=desk.cancel
        )
        sessions.add(session)
        sessions.remove(session)
        sessions.depart(session, now_us=1, reason="gone")
        kept.append(session)  # as those do whose actors the worker had
    del desk, session
    gc.collect()

    assert [one.session.info.id for one in sessions.departed("default", now_us=1)] == ["w2", "w1"]
    assert [transport() for transport in transports] == [None] * 3


def test_passes_are_few_and_none_is_large() -> None:
    found, one = Passes(), Pass(Actor("ak_a", "key"), None, "default")

    for number in range(25_000):
        found.keep((b"", "", "kv:read", f"kv/b/{number}"), one)
    assert len(found) <= passes.REMEMBERED_MAX
    found.forget()
    found.keep((b"", "", "kv:read", "kv/b/" + "k" * NAMED_CHARS_MAX), one)
    found.keep((b"", "e" * NAMED_CHARS_MAX, "kv:read", "kv/b/k"), one)

    assert len(found) == 0


def test_decisions_are_few_and_none_is_large() -> None:
    found = Decisions(CLOCK)
    asked = Request(Actor("ak_a", "key"), "kv:read", "", "default")

    for number in range(15_000):
        found.ruling(asked._replace(resource=f"kv/b/{number}", environment=f"e{number}"))
    assert len(found.remembered()) <= decisions.REMEMBERED_MAX
    assert len(found._by_action) <= decisions.ACTIONS_MAX
    found.forget()
    found.ruling(asked._replace(resource="kv/b/" + "k" * NAMED_CHARS_MAX))

    assert found.remembered() == []


def test_states_of_streams_are_kept_up_to_a_number() -> None:
    found, slot = States(), Slot(None)

    for number in range(3 * STATES_MAX):
        found.put(("default", f"kv/b/{number}"), slot)

    assert len(found._young) + len(found._old) <= 2 * STATES_MAX


def test_names_of_events_are_known_up_to_a_number() -> None:
    found = Chosen(["order.*"])

    assert sum(found.wants(f"order.{number}") for number in range(10_500)) == 10_500

    assert len(found._known) <= 10_001


def test_no_label_of_a_metric_is_anybodys_to_choose(server: Any) -> None:
    """A million paths, methods and parameters are one line."""
    import httpx

    with httpx.Client(base_url=server.url, timeout=30) as client:

        def labels() -> set[str]:
            lines = client.get("/metrics").text.splitlines()
            return {
                line.rpartition(" ")[0] for line in lines if line.startswith(("ironflow_http", "ironflow_refusals"))
            }

        def ask(number: int) -> None:
            client.get(f"/api/v1/never/{number}?q{number}=1")
            client.get(f"/api/v1/kv/buckets/none-{number}/keys/k{number}")
            client.post(f"/ironflow.v1.Service{number}/Method{number}", json={})
            client.request(f"VERB{number}", "/health")

        ask(0)
        client.get("/metrics")
        before = labels()
        for number in range(1, 20):
            ask(number)

        assert labels() == before
