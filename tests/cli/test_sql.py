"""`ironflow sql`: tables for people, JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections.abc import Callable

Ironflow = Callable[..., subprocess.CompletedProcess[str]]


def test_queries(ironflow: Ironflow) -> None:
    ironflow("kv", "bucket", "create", "sheet")
    ironflow("kv", "put", "sheet", "a", '"=cmd()"')
    ironflow("kv", "put", "sheet", "b", "5")
    query = "select key, value as v, revision from kv where bucket = :bucket order by key"

    shown = ironflow("sql", query, "-p", "bucket=sheet")
    told = json.loads(ironflow("sql", query, "-p", "bucket=sheet", "--json").stdout)
    lines = ironflow("sql", query, "-p", "bucket=sheet", "-o", "jsonl").stdout.splitlines()
    some = ironflow("sql", "-", "-p", "bucket=sheet", "--limit", "1", "--csv", stdin=query)

    assert [line.split() for line in shown.stdout.splitlines()] == [
        ["KEY", "V", "REVISION"],
        ["a", '"=cmd()"', "1"],
        ["b", "5", "1"],
    ]
    assert shown.stderr == "2 rows\n"
    assert told["rows"] == [["a", '"=cmd()"', 1], ["b", "5", 1]]
    assert json.loads(lines[1]) == {"key": "b", "v": "5", "revision": 1}
    assert list(csv.reader(io.StringIO(some.stdout))) == [["key", "v", "revision"], ["a", '"=cmd()"', "1"]]
    assert "there are more" in some.stderr


def test_csv_does_not_drive_a_spreadsheet(ironflow: Ironflow) -> None:
    rows = ironflow("sql", "select '=1+1' as a, '@x' as b, -5 as c, null as d", "--csv").stdout.splitlines()

    assert rows == ["a,b,c,d", "'=1+1,'@x,-5,"]


def test_what_can_be_asked_for_is_listed(ironflow: Ironflow) -> None:
    shown = ironflow("sql").stdout

    assert "history" in shown
    assert "recorded_at" in shown


def test_refusals_have_exit_codes(ironflow: Ironflow) -> None:
    refused = ironflow("sql", "drop table history")

    assert refused.returncode == 10
    assert "one SELECT over the views" in refused.stderr
    endless = "with recursive n(x) as (select 1 union all select x + 1 from n) select count(*) from n"
    assert ironflow("sql", endless, "--timeout", "100ms").returncode == 7
    assert ironflow("sql", "select 1", "--timeout", "31s").returncode == 10
    assert ironflow("sql", "select 1", "--param", "x").returncode == 2
