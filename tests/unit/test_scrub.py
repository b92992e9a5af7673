"""Secrets are taken out of whatever carries them, in each form in which they are written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app import logs
from app.values.scrub import Scrubber

VALUES = ["hunter22", 'qu"ote', "two\nlines", "back\\slash", "umläut☃", "a+b(c)*[d]", "</tag>&amp;"]


@pytest.mark.parametrize("value", VALUES)
def test_a_value_is_found_as_it_is_and_within_json(value: str) -> None:
    scrubber = Scrubber()
    scrubber.learn("KEY", value)

    for ascii_only in (True, False):
        within = json.dumps({"x": f"a {value} b", "y": [value]}, ensure_ascii=ascii_only)
        assert json.loads(scrubber.text(within)) == {"x": "a [secret:KEY] b", "y": ["[secret:KEY]"]}
        assert json.loads(scrubber.raw(within.encode())) == {"x": "a [secret:KEY] b", "y": ["[secret:KEY]"]}
    assert scrubber.text(f"error: {value}!") == "error: [secret:KEY]!"


def test_of_a_text_that_was_cut_off_the_beginning_of_a_secret_is_taken_too() -> None:
    scrubber = Scrubber()
    scrubber.learn("KEY", "hunter22")

    assert scrubber.cut("xhunter22 y hunte") == "x[secret:KEY] y "
    assert scrubber.cut("a hun") == "a hun", "so little of it is found everywhere"


def test_a_longer_secret_goes_before_the_shorter_one_within_it() -> None:
    scrubber = Scrubber()
    scrubber.learn("SHORT", "abcd")
    scrubber.learn("LONG", "abcdefgh")

    assert scrubber.text("abcdefgh abcd") == "[secret:LONG] [secret:SHORT]"


def test_values_too_short_to_be_told_apart_are_left_alone() -> None:
    scrubber = Scrubber()
    scrubber.learn("A", "1")

    assert scrubber.text("11") == "11"


@pytest.mark.parametrize("value", VALUES)
def test_json_stays_json_whatever_the_value(value: str) -> None:
    scrubber = Scrubber()
    scrubber.learn("KEY", value)

    for ascii_only in (True, False):
        told = {"x": [f"a {value} b", json.dumps([value]), 1.50, 12345678901234567890, None], value: "\\"}
        clean = json.loads(scrubber.json(json.dumps(told, ensure_ascii=ascii_only).encode()))
        mark = "[secret:KEY]"
        assert clean == {"x": [f"a {mark} b", json.dumps([mark]), 1.5, 12345678901234567890, None], mark: "\\"}


def test_numbers_and_words_of_json_are_not_broken_by_a_value_that_looks_like_one() -> None:
    scrubber = Scrubber()
    for name, value in (("PIN", "1234"), ("WORD", "true"), ("NOTHING", "null")):
        scrubber.learn(name, value)

    raw = b'{"a": 1234, "b": 12345, "c": [true, null], "d": "null and 91234", "e": "\\u0031234"}'

    assert json.loads(scrubber.json(raw)) == {
        "a": "[secret:PIN]",
        "b": 12345,
        "c": [True, None],
        "d": "[secret:NOTHING] and 9[secret:PIN]",
        "e": "[secret:PIN]",
    }
    untouched = b'{"b": 1235, "c":[true]}'
    assert scrubber.json(untouched) is untouched


@pytest.mark.parametrize("style", ["json", "console"])
def test_logs_are_scrubbed_exceptions_included(style: str, capsys: pytest.CaptureFixture[str]) -> None:
    import structlog

    scrubber = Scrubber()
    scrubber.learn("KEY", "hunter22")
    logs.configure(style=style)
    logs.filter_with(scrubber.text)
    try:
        log: Any = structlog.get_logger("test")
        try:
            raise ValueError("bad hunter22")
        except ValueError:
            log.exception("failed", value="hunter22", nested={"a": ["hunter22"]})
    finally:
        logs.filter_with(lambda line: line)
        structlog.reset_defaults()

    shown = capsys.readouterr().err
    assert shown.count("[secret:KEY]") >= 3
    assert "hunter22" not in shown
