"""What was known at a place of a recording, however many steps it has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from app.debugger.recording import Recording
from app.debugger.session import Session
from app.debugger.sources import ServerSource
from ironflow.past import Record
from tests.tui.conftest import Recorded

AT = datetime(2026, 1, 31, tzinfo=UTC)
KINDS = {"step.completed": "completed", "step.failed": "failed", "step.patched": "completed", "run.paused": "paused"}


class Told(Recorded):
    def __init__(self, told: Sequence[tuple[str, str, int]]) -> None:
        rows = [("run.created", "", 0), *told]
        self.all = {"run_a": [_record(number, *row) for number, row in enumerate(rows, 1)]}


def _record(number: int, kind: str, name: str, which: int) -> Record:
    about = {"step_id": f"run_a:{name}:{which}", "path": f"{name}:{which}", "name": name}
    status = KINDS.get(kind, "")
    return Record(number, number, kind, AT, status=status, **(about if kind.startswith("step.") else {}))  # type: ignore[arg-type]


steps = st.tuples(st.sampled_from(sorted(KINDS)), st.sampled_from("abc"), st.integers(0, 2))


@given(st.lists(steps, max_size=30))
def test_outputs_are_those_that_had_completed_by_the_name_they_had_then(told: list[tuple[str, str, int]]) -> None:
    recording = Recording(Told(told), "run_a")

    for index in range(len(recording.records)):
        past = recording.records[: index + 1]
        latest = {one.path: at for at, one in enumerate(past) if one.step_id and one.status == "completed"}
        count = Counter(recording.records[at].name for at in latest.values())
        names = {path: path if count[path[0]] > 1 else path[0] for path in latest}
        assert dict(recording.outputs(index)) == {names[path]: at for path, at in latest.items()}
        given = {names[path] for path, at in latest.items() if recording.records[at].kind == "step.patched"}
        assert set(recording.corrected(index)) == given
        status = [one.status for one in past if one.kind.startswith("run.") and one.status]
        assert recording.status(index) == (status or [""])[-1]


def test_what_is_recorded_later_is_known_after_a_refresh() -> None:
    source = Told([("step.completed", "a", 0)])
    session = Session(source)
    thread = session.open("run_a")
    source.all["run_a"] += [_record(3, "step.completed", "a", 1), _record(4, "run.paused", "", 0)]

    assert thread.recording.refresh() == 2
    assert dict(thread.recording.outputs(3)) == {"a:0": 1, "a:1": 2}
    assert thread.recording.status(3) == "paused"
    assert "b" not in thread.recording.outputs(3)


class Paged:
    """A client of a server that has 2,500 records of a run, at every second position."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.seen: list[tuple[int, bool]] = []
        self.runs = self

    def request(self, method: str, path: str, *, params: Mapping[str, Any]) -> Any:
        self.asked.append(params["after"])
        positions = [one for one in range(2, 5_002, 2) if one > params["after"]]
        page = [
            {"position": one, "version": one // 2, "kind": "run.noted", "at": "2026-01-31T12:00:00Z"}
            for one in positions[: params["limit"]]
        ]
        after = {"after": page[-1]["position"]} if len(positions) > len(page) else {}
        return {"records": page, "newest": {"position": 5_000}, **after}

    def state(self, run_id: str, *, at: int, steps: bool) -> None:
        self.seen.append((at, steps))


def test_a_long_run_is_read_in_pages_and_its_end_looked_at_while_it_loads() -> None:
    client = Paged()
    source = ServerSource(cast("Any", client))

    whole = list(source.records("run_a"))
    rest = list(source.records("run_a", after=4_990))

    assert [record.position for record in whole] == list(range(2, 5_002, 2))
    assert [record.position for record in rest] == [4_992, 4_994, 4_996, 4_998, 5_000]
    assert (client.asked, client.seen) == ([0, 2_000, 4_000, 4_990], [(5_000, False)])
