"""Leaving out what libraries import only because it happens to be there, or for a name in a type."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*names: str) -> Iterator[None]:
    """In here these packages cannot be imported; who has imported them keeps them."""
    before = {name: sys.modules.get(name) for name in names}
    for name in names:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name, module in before.items():
            del sys.modules[name]
            if module is not None:
                sys.modules[name] = module


@contextmanager
def standing_in(module: str, **names: object) -> Iterator[None]:
    """In here something that has just these names is imported as the module, unless it was imported before."""
    if module in sys.modules:
        yield
        return
    stand_in = types.ModuleType(module)
    vars(stand_in).update(names)
    sys.modules[module] = stand_in
    try:
        yield
    finally:
        del sys.modules[module]
