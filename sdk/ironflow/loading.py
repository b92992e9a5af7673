"""Functions by where they are written: `orders`, `shop.orders:charge`, `shop.orders:functions`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ironflow.function import Function


class NotFunctions(ValueError):
    """There are no functions there; the message says what there is."""


def functions_at(where: str) -> Mapping[str, Function]:
    """The functions of a module, of a list in it, or the one of that name: by how the module's code says them.
    Imported as `python -m` would, from the working directory too. Raises NotFunctions."""
    module, _, name = where.partition(":")
    if not module or not all(part.isidentifier() for part in module.split(".")):
        raise NotFunctions(f"{where!r} is not MODULE or MODULE:NAME, such as shop.orders:functions")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise NotFunctions(f"{module} cannot be imported: {error}") from None
    if not name:
        functions = {key: value for key, value in vars(found).items() if isinstance(value, Function)}
    else:
        for part in name.split("."):
            found = getattr(found, part, None)
        functions = {name: found} if isinstance(found, Function) else _listed(name, found)
    if not functions:
        raise NotFunctions(f"{where} has no functions: nothing there was made by @function")
    return functions


def _listed(name: str, found: Any) -> dict[str, Function]:
    given = list(found) if isinstance(found, Iterable) else []
    return {f"{name}[{number}]": one for number, one in enumerate(given) if isinstance(one, Function)}
