"""What every fact is made of."""

from __future__ import annotations

from typing import ClassVar

import msgspec

NULL = msgspec.Raw(b"null")
EMPTY = msgspec.Raw(b"{}")
ABSENT = msgspec.Raw()
"""The default of a payload that need not be there; its bytes are empty."""


def null() -> msgspec.Raw:
    """The default of a field of users' JSON in a struct that the OpenAPI document shows: `default_factory=null`, since
    defaults that are Raw cannot be written into a schema."""
    return NULL


def empty() -> msgspec.Raw:
    """The same, for an object."""
    return EMPTY


class Fact(msgspec.Struct, frozen=True, omit_defaults=True):
    """What happened, in the past tense, with what is needed to derive state from it and nothing else."""

    kind: ClassVar[str]
