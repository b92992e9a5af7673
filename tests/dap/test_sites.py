"""Lines of code that took the steps of a run, where a workspace has the code that ran."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from app.debugger.dap import scopes
from app.debugger.dap.code import Code
from app.debugger.dap.setting import Setting
from app.debugger.session import Session
from app.debugger.sites import Site, Sites
from app.debugger.surroundings import Written
from ironflow import Function
from ironflow.logs import LogLine
from tests.tui.conftest import BEGAN, Recorded

CODE = """\
from ironflow import Context, function

def other(step): ...

class Orders:
    pass

@function(
    "bill", triggers=["order.placed"]
)
async def bill(ctx: Context):
    await ctx.step.run("fetch", print)
    paid = await ctx.step.run(
        "charge", print
    )
    ctx.step.compensate("charge", print)
    for number in range(2):
        await ctx.step.run(f"mail-{number}", print)
    await ctx.step.sleep("twice", 1)
    await ctx.step.parallel("fan", [lambda step: step.run("inner", print)])
    await ctx.step.sleep("twice", 1)
    # that is all
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "broken.py").write_text("def bill(:\n")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "orders.py").write_text(CODE)
    made = tmp_path / "shop" / "orders.py"
    made.parent.mkdir()
    made.write_text(CODE)
    return made


@pytest.fixture
def code_hash(path: Path) -> str:
    spec = importlib.util.spec_from_file_location("orders_of_test_sites", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = module.bill
    assert isinstance(made, Function)
    return made.code_hash


def _line(text: str) -> int:
    return next(number for number, line in enumerate(CODE.splitlines(), 1) if text in line)


def test_steps_are_where_the_code_that_ran_takes_them_by_a_plain_name_once(path: Path, code_hash: str) -> None:
    sites = Sites([path.parents[1]])

    assert sites.of("bill", code_hash) == {
        "": Site(path, _line("async def bill")),
        "fetch": Site(path, _line('"fetch"')),
        "charge": Site(path, _line("paid =")),
        "compensate:charge": Site(path, _line("compensate")),
        "fan": Site(path, _line('"fan"')),
        "inner": Site(path, _line('"inner"')),
    }
    assert sites.of("bill", "0123456789abcdef") == {}
    path.write_text(CODE.replace('"inner"', '"other"'))
    assert Sites([path.parent]).of("bill", code_hash) == {}


class Around:
    def __init__(self, code_hash: str) -> None:
        self._code_hash = code_hash

    def code_hash(self, function_id: str, at: int) -> str:
        return self._code_hash if (function_id, at) == ("bill", 10) else ""

    def written(self, run_id: str, at: int | None) -> Mapping[str, Written]:
        raise NotImplementedError

    def secrets(self, run_id: str, function_id: str, at: int) -> Mapping[str, str]:
        raise NotImplementedError


def test_frames_and_breakpoints_are_lines_of_code(path: Path, code_hash: str) -> None:
    session = Session(Recorded(), surroundings=Around(code_hash))
    code = Code(session, [path.parents[1]], from_one=False, as_uri=True)
    thread = session.open("run_a")
    setting = Setting(session, code, from_one=False)

    line = _line("paid =") - 1
    told = setting.code_lines(path.as_uri(), [{"line": line}, {"line": line + 1}])["breakpoints"]
    assert [one["verified"] for one in told] == [True, False]
    session.run(thread, 1)

    assert thread.index == 3
    told_: list[str] = []
    session.tell = lambda thread, index, message: told_.append(message)
    setting.code_lines(path.as_uri(), [{"line": line, "logMessage": "{step.name} {step.attempt > 1}"}])
    thread.index = 0
    session.run(thread, 1)
    assert (told_, thread.index) == (['"charge" false', '"charge" true'], thread.recording.last)
    thread.index = 3

    step, run = scopes.frames(thread, code, from_one=False)
    assert (step["name"], step["line"], step["source"]["path"]) == ("charge", line, path.as_uri())
    assert (run["line"], run["source"]["name"]) == (_line("async def bill") - 1, "orders.py")
    thread.index = 0
    assert scopes.frames(thread, code, from_one=False)[0]["source"]["sourceReference"] == thread.id


def test_a_line_that_was_logged_is_at_its_place_in_the_file_of_the_code_that_ran(path: Path, code_hash: str) -> None:
    session = Session(Recorded(), surroundings=Around(code_hash))
    thread = session.open("run_a")
    code = Code(session, [path.parents[1]], from_one=True, as_uri=False)
    line = LogLine(30, 0, BEGAN, "info", "x", source="/srv/shop/orders.py", source_line=4)

    assert code.said(thread, line) == {"source": {"name": "orders.py", "path": str(path)}, "line": 4}
    assert code.said(thread, replace(line, source="/srv/other/orders.py")) == {}
    assert code.said(thread, replace(line, source="")) == {}
