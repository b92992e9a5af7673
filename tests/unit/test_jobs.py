"""Names within step ids."""

from __future__ import annotations

import pytest

from app.runs.state import step_name


@pytest.mark.parametrize(
    ("step_id", "name"),
    [
        ("run_1:charge:0", "charge"),
        ("run_1:charge card:12", "charge card"),
        (r"run_1:a\:b:0", "a:b"),
        (r"run_1:a\\:0", "a\\"),
        (r"run_1:a\\\:b:0", r"a\:b"),
        ("run_1:both:1:charge:0", "charge"),
        (r"run_1:both\:ways:1:inner:0:charge:2", "charge"),
        ("run_1:compensate:charge:0", "compensate:charge"),
        (r"run_1:compensate:a\:b:0", "compensate:a:b"),
        ("run_1:publish:orders.placed:0", "publish:orders.placed"),
        ("run_1:publish:0:charge:0", "charge"),
        ("charge", "charge"),
    ],
)
def test_the_name_is_read_from_a_step_id(step_id: str, name: str) -> None:
    assert step_name(step_id) == name
