"""What every fact is made of."""

from __future__ import annotations

from typing import ClassVar

import msgspec

NULL = msgspec.Raw(b"null")
EMPTY = msgspec.Raw(b"{}")


class Fact(msgspec.Struct, frozen=True, omit_defaults=True):
    """What happened, in the past tense, with what is needed to derive state from it and nothing else."""

    kind: ClassVar[str]
