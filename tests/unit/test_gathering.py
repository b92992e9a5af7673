"""How long the publisher gathers what NATS is to be told next."""

from __future__ import annotations

import pytest

from app.bus.publisher import GATHER_S, GATHER_S_MAX, gather_s


@pytest.mark.parametrize(("written", "gathers_s"), [(1, GATHER_S), (10, 0.01), (100_000, GATHER_S_MAX)])
def test_the_more_there_was_to_write_the_longer_the_next_write_gathers(written: int, gathers_s: float) -> None:
    assert gather_s(written) == pytest.approx(gathers_s)
