"""Where recordings come from: a server, or a bundle that was exported from one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from app.debugger.session import Edit
from ironflow import Client, past
from ironflow.bundle import Bundle
from ironflow.errors import IronflowError, NotFound
from ironflow.logs import LogLine
from ironflow.past import Record, RunState, StepState


class ServerSource:
    def __init__(self, client: Client) -> None:
        self.client = client

    def records(self, run_id: str, *, after: int = 0) -> Iterator[Record]:
        """A page is asked for while the one before it is read. With the last of a long run the server is asked what the
        run came to: what it keeps of that is near to wherever one looks first."""

        def page(after: int) -> Any:
            params = {"after": after, "limit": past.PAGE}
            return self.client.request("GET", f"{past.run_path(run_id)}/timeline", params=params)

        with ThreadPoolExecutor(1, thread_name_prefix="timeline") as ahead:
            told, is_long = page(after), False
            while (following := told.get("after")) is not None:
                asked, is_long = ahead.submit(page, following), True
                yield from map(past.record_of, told["records"])
                told = asked.result()
            seen = ahead.submit(self.head, run_id, told["newest"]["position"]) if is_long else None
            yield from map(past.record_of, told["records"])
            if seen is not None:
                with suppress(IronflowError):  # it only made haste
                    seen.result()

    def state(self, run_id: str, at: int) -> RunState:
        return self.client.runs.state(run_id, at=at)

    def head(self, run_id: str, at: int) -> RunState:
        return self.client.runs.state(run_id, at=at, steps=False)

    def step(self, run_id: str, step_id: str, at: int) -> StepState:
        return self.client.runs.step_output(run_id, step_id, at=at)

    def lines(self, run_id: str, *, after: int, at: int) -> Iterator[LogLine]:
        return self.client.runs.logs(run_id, after=after, at=at)


class ServerChanges:
    """Every change carries a reason, and is refused if the run has changed since it was looked at."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def plan(
        self, run_id: str, action: str, *, edit: Edit | None = None, from_step: str = "", position: int | None = None
    ) -> Mapping[str, Any]:
        wanted: dict[str, Any] = {"from_step": from_step, "position": position}
        if edit is not None:
            wanted |= {"patches": {edit.path: edit.output}} if action == "fork" else _step_of(edit)
        found: Mapping[str, Any] = self._client.runs.plan(run_id, action, **wanted)
        return found

    def patch(self, edit: Edit, reason: str, *, resume: bool = False) -> None:
        self._client.runs.patch(edit.run_id, **_step_of(edit), reason=reason, version=edit.version, resume=resume)

    def inject(self, edit: Edit, reason: str, *, resume: bool = False) -> None:
        self._client.runs.inject(edit.run_id, **_step_of(edit), reason=reason, version=edit.version, resume=resume)

    def pause(self, run_id: str, reason: str) -> None:
        self._client.runs.pause(run_id, reason=reason)

    def cancel(self, run_id: str, reason: str) -> None:
        self._client.runs.cancel(run_id, reason=reason)

    def resume(self, run_id: str, reason: str, *, from_step: str = "") -> None:
        self._client.runs.resume(run_id, reason=reason, from_step=from_step)

    def fork(self, run_id: str, position: int, edits: Sequence[Edit], reason: str) -> str:
        patches = {edit.path: edit.output for edit in edits}
        forked = self._client.runs.fork(run_id, position=position, patches=patches, reason=reason)
        return str(forked["id"])

    def replay(self, run_id: str, reason: str) -> str:
        return str(self._client.runs.replay(run_id, reason=reason)["id"])


def _step_of(edit: Edit) -> Mapping[str, Any]:
    return {"step": edit.path, "output": edit.output}


class BundleSource:
    """One run, from a file; its children are in bundles of their own."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def records(self, run_id: str, *, after: int = 0) -> Iterator[Record]:
        """With the last of a long run it is folded once: what is kept of that is near to wherever one looks first."""
        self._check(run_id)
        yield from self._bundle.timeline(after=after or None)
        if not after and len(self._bundle.records) > past.PAGE:
            self.head(run_id, self._bundle.records[-1].position)

    def state(self, run_id: str, at: int) -> RunState:
        return self._bundle.state(at=at)

    def head(self, run_id: str, at: int) -> RunState:
        self._check(run_id)
        return self._bundle.state(at=at, steps=False)

    def step(self, run_id: str, step_id: str, at: int) -> StepState:
        return self._bundle.step_output(step_id, at=at)

    def lines(self, run_id: str, *, after: int, at: int) -> Iterator[LogLine]:
        self._check(run_id)
        return self._bundle.logs(after=after, at=at)

    def _check(self, run_id: str) -> None:
        if run_id != self._bundle.run_id:
            raise NotFound(f"{run_id} is not in this bundle, which has {self._bundle.run_id}", code="RUN_NOT_FOUND")
