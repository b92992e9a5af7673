"""What makes failures the same or near: masked messages, frames, fingerprints, vectors, and what inputs differ in."""

from __future__ import annotations

import math
import random

import pytest

from app.history.kinds import Failure as Told
from app.search import stacks
from app.search.differences import differences
from app.search.embed import DIMENSIONS, distance, embed, embed_text, folded, packed, text_of
from app.search.failure import Failure, fingerprint, path_of, type_of
from app.search.masking import mask
from storage.failures import FailureRow

PYTHON = """Traceback (most recent call last):
  File "/srv/app/client.py", line 3, in get
    raise OSError("down")
OSError: down

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/srv/app/orders.py", line 12, in place
    charge(order)
  File "/srv/app/billing/cards.py", line 40, in charge
    return json.loads(answer)
  File "/usr/lib/python3.11/json/decoder.py", line 337, in decode
    obj, end = self.raw_decode(s, idx=_w(s, 0).end())
json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)
"""
JAVASCRIPT = """TypeError: Cannot read properties of undefined (reading 'id')
    at Object.get (/app/node_modules/axios/lib/x.js:10:5)
    at async chargeCard (/app/src/orders.ts:14:21)
    at file:///app/src/index.ts:3:1
"""


@pytest.mark.parametrize(
    ("message", "masked"),
    [
        ("order 4711 of customer c-88213 not found", "order <number> of customer <id> not found"),
        ("KeyError: 'currency'", "KeyError: <text>"),
        ('can\'t parse "12,5" at 2026-01-02T03:04:05Z', "can't parse <text> at <time>"),
        ("no such file: /var/lib/app/7f/data.json", "no such file: <path>"),
        ("GET https://api.example.com/v1/users/12?x=1: 503", "GET <url>: <number>"),
        ("run_01kcw0z6d5e7rs failed after 1.25 s", "<id> failed after <number> s"),
        ("id 6f9619ff-8b86-d011-b42d-00c04fc964ff", "id <id>"),
        ("commit 9fceb02d0ae598e95dc970b74767f19372d61af8", "commit <id>"),
        ("mail to ada@lovelace.org bounced\n  twice", "mail to <email> bounced twice"),
        ("balance -1,234.50 below 0", "balance <number> below <number>"),
        ("utf8 isn't ascii, said the codec's author", "utf8 isn't ascii, said the codec's author"),
        ("division by zero", "division by zero"),
    ],
)
def test_what_differs_from_case_to_case_is_masked(message: str, masked: str) -> None:
    assert mask(message) == masked


def test_a_long_message_is_masked_in_no_time() -> None:
    for text in ("'" * 50_000, "a1" * 50_000, "/a" * 50_000, '"\\' * 50_000):
        assert len(mask(text)) <= 4_000


def test_the_top_frame_is_the_innermost_of_the_users_own_in_the_last_exception() -> None:
    python, javascript = stacks.frames(PYTHON), stacks.frames(JAVASCRIPT)

    assert stacks.top(python) == "billing/cards.py:charge"
    assert [str(frame) for frame in python] == [
        "json/decoder.py:decode",
        "billing/cards.py:charge",
        "app/orders.py:place",
    ]
    assert stacks.raised(PYTHON) == "JSONDecodeError"
    assert stacks.top(javascript) == "src/orders.ts:chargeCard"
    assert stacks.top(stacks.frames("")) == ""
    assert stacks.top(stacks.frames("no stack at all")) == ""


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Told("ValueError: bad", "STEP_FAILED"), "ValueError"),
        (Told("bad", "STEP_FAILED", stack=PYTHON), "JSONDecodeError"),
        (Told("bad", "STEP_FAILED"), "STEP_FAILED"),
        (Told("sold out", "SOLD_OUT"), "SOLD_OUT"),
        (Told("no currency", "KeyError"), "KeyError"),
        (Told("bad", ""), "Error"),
    ],
)
def test_the_type_is_what_was_raised_else_the_code(error: Told, kind: str) -> None:
    assert type_of(error) == kind


def test_a_step_is_named_by_its_path_without_numbers() -> None:
    assert path_of("run_1", "run_1:charge:0") == "charge"
    assert path_of("run_1", "run_1:orders:17:charge card 3:2") == "orders/charge card #"
    assert path_of("run_1", "run_1:compensate:charge:0") == "compensate:charge"
    assert path_of("run_1", "run_1:a\\:b:0") == "a:b"
    assert path_of("run_1", "") == ""


def failure(message: str = "no order <number>", *, error_type: str = "KeyError", function: str = "f") -> Failure:
    row = FailureRow(
        environment="default",
        position=1,
        run_id="run_1",
        function_id=function,
        function_version=1,
        event_id="evt_1",
        fingerprint=(cause := fingerprint(function, "charge", error_type, message, "app/orders.py:place")),
        kind="run.failed",
        step="charge",
        error_type=error_type,
        error_code="STEP_FAILED",
        message=message,
        masked=message,
        top_frame="app/orders.py:place",
        attempt=0,
        failed_at=0,
        cause=cause,
    )
    return Failure(row, Told(message), stacks.frames(PYTHON), ("price",), ("order:number", "user.email:text"))


def test_the_vector_is_the_same_each_time_and_nearer_to_what_is_more_alike() -> None:
    same, alike, other = (
        failure(),
        failure("no order <number> any more"),
        failure("refused", error_type="OSError", function="g"),
    )

    assert embed(failure()) == embed(same)
    assert len(embed(same)) == DIMENSIONS
    assert distance(embed(same), embed(failure())) == pytest.approx(0)
    assert distance(embed(same), embed(alike)) < 0.2 < distance(embed(same), embed(other))
    assert distance(embed_text("KeyError: no order 17"), embed(same)) < distance(embed_text("timeout"), embed(same))


def test_a_vector_keeps_its_direction_in_bytes_and_when_it_is_folded(seed: int) -> None:
    rng = random.Random(seed)
    one = [rng.gauss(0, 1) for _ in range(1_536)]
    near = [value + rng.gauss(0, 0.2) for value in one]
    far = [rng.gauss(0, 1) for _ in range(1_536)]

    assert distance(packed(folded(one)), packed(folded(near))) < 0.15
    assert distance(packed(folded(one)), packed(folded(far))) > 0.5
    assert distance(packed([3.0] * DIMENSIONS), packed([0.001] * DIMENSIONS)) == pytest.approx(0, abs=1e-9)
    assert packed([0.0] * DIMENSIONS) == bytes(DIMENSIONS)
    assert math.isclose(distance(bytes(DIMENSIONS), bytes(DIMENSIONS)), 1.0)


def test_a_model_is_told_what_the_failure_is_without_data_of_the_case() -> None:
    assert "KeyError: no order <number>" in text_of(failure())
    assert "user.email:text" in text_of(failure())


def test_values_types_signs_and_missing_fields_set_failures_apart() -> None:
    failed = [{"currency": "JPY", "total": -n, "user": {"id": n}} for n in range(1, 41)]
    succeeded = [
        {"currency": "JPY" if n == 0 else "EUR", "total": n, "user": {"id": n, "mail": "x"}} for n in range(1, 101)
    ]
    succeeded[0]["currency"] = "JPY"

    found = {(one.path, one.fact): one for one in differences(failed, succeeded)}

    assert found["data.currency", '= "JPY"'][2:] == (1.0, 0.01, 100.0)
    assert found["data.total", "< 0"][2:4] == (1.0, 0.0)
    assert found["data.user.mail", "is missing"][2:4] == (1.0, 0.0)
    assert {path for path, _ in found} == {"data.currency", "data.total", "data.user.mail"}


def test_inputs_that_do_not_differ_have_no_differences() -> None:
    inputs = [{"n": n} for n in range(50)]

    assert not differences(inputs[:20], inputs[20:])
    assert not differences(inputs[:2], inputs)
    assert not differences(inputs, [])


def test_a_stack_is_read_in_time_in_proportion_to_its_length() -> None:
    """Of JavaScript: line after line without a word took minutes."""
    assert stacks.frames("\n" * 500_000 + JAVASCRIPT) == stacks.frames(JAVASCRIPT)
