"""Leaving out what libraries import only because it happens to be there, or for a name in a type; and loading later
what a server can be ready without."""

from __future__ import annotations

import asyncio
import sys
import time
import types
from collections.abc import Callable, Iterable, Iterator
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


async def one_by_one(steps: Iterable[Callable[[], object]]) -> None:
    """Take each step on the event loop, which others have for as long as it took before the next.

    Modules of ours are loaded there and in no other thread once a server is ready: two threads that make msgspec
    decoders of one struct crash the process (docs/decisions/0035)."""
    for step in steps:
        begun = time.perf_counter()
        step()
        await asyncio.sleep(time.perf_counter() - begun)
