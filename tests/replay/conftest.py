"""Stores for each example of a property, one after the other."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def new_sqlite(tmp_path: Path, sqlite_template: Path) -> Callable[[], str]:
    """Where another one is whenever it is called, with the schema."""
    numbers = itertools.count()
    return lambda: str(shutil.copy(sqlite_template, tmp_path / f"{next(numbers)}.db"))
