"""The scripted engine, for tests of what the worker says on the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.sdk.engine import Engine


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    made = Engine()
    await made.start()
    yield made
    await made.stop()
