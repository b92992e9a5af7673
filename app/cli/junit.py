"""JUnit reports: what CI systems show of checks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Case(NamedTuple):
    """One check. `failure` is empty if it passed; `broken`: it could not be checked."""

    group: str
    name: str
    failure: str = ""
    broken: bool = False


def write(path: Path, suite: str, cases: Sequence[Case], *, took_s: float) -> None:
    """The report as a file."""
    failures = sum(1 for case in cases if case.failure and not case.broken)
    errors = sum(1 for case in cases if case.broken)
    counts = {"tests": str(len(cases)), "failures": str(failures), "errors": str(errors), "time": f"{took_s:.3f}"}
    root = ET.Element("testsuites", counts)
    told = ET.SubElement(root, "testsuite", {"name": suite, **counts})
    for case in cases:
        shown = ET.SubElement(told, "testcase", {"classname": _fit(case.group), "name": _fit(case.name)})
        if case.failure:
            first, _, _ = case.failure.partition("\n")
            problem = ET.SubElement(shown, "error" if case.broken else "failure", {"message": _fit(first)})
            problem.text = _fit(case.failure)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _fit(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return _UNFIT.sub("\ufffd", text)
