"""Which environments are production: where nothing that works is stopped to be looked at, unless somebody was given
that right. The one place that says so, for the server and for the command line.
"""

from __future__ import annotations

import re

_PRODUCTION = re.compile(r"(?i)(^|[^a-z])(prod|production|live)([^a-z]|$)")


def is_production(environment: str) -> bool:
    """By its name, which is all that tells: `production`, `prod` or `live`, or with that word in it."""
    return _PRODUCTION.search(environment) is not None
