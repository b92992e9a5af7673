"""Breakpoints: leases that hold runs before or after steps. One that is not renewed is over, and its runs go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ironflow.calls import Call, Json, Plan, quoted
from ironflow.durations import Duration, seconds

PATH = "/api/v1/breakpoints"


def create(
    *,
    run_id: str = "",
    function_id: str = "",
    step: str = "*",
    place: Literal["before", "after"] = "after",
    condition: str = "",
    owner: str = "",
    ttl: Duration = 60,
) -> Plan[Json]:
    """Hold a run, or all runs of a function, before or after each step whose name fits the glob `step` and for which
    the CEL `condition` over `step` and `run` is true."""
    body = {"run_id": run_id, "function_id": function_id, "step": step, "place": place, "condition": condition}
    found: Json = yield Call("POST", PATH, body={**body, "owner": owner, "ttl_s": seconds(ttl)})
    return found


def renew(breakpoint_id: str, *, ttl: Duration = 60) -> Plan[Json]:
    """Raises NotFound for one that is over: its runs have gone on."""
    found: Json = yield Call("PUT", f"{PATH}/{quoted(breakpoint_id)}", body={"ttl_s": seconds(ttl)}, again=True)
    return found


def delete(breakpoint_id: str) -> Plan[None]:
    """The runs that it holds go on."""
    yield Call("DELETE", f"{PATH}/{quoted(breakpoint_id)}", again=True)


def list_all() -> Plan[Sequence[Json]]:
    """Those that are alive, the oldest first."""
    found: Sequence[Json] = (yield Call("GET", PATH, again=True))["breakpoints"]
    return found
