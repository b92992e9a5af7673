"""If-Match and If-None-Match (RFC 9110 §13.1) as a revision that must be there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from app.api.caller import Header
from app.errors import InvalidArgument, PreconditionRequired
from app.values.kv import ABSENT, PRESENT

if TYPE_CHECKING:
    import falcon.asgi

REVISION_MAX = 2**62

CONDITIONS = {
    "If-Match": "a revision that must be there, or * for any",
    "If-None-Match": "* for: only if nothing is there",
}

CHANGED_TO = {"If-Match": "the revision that is to be changed; if there is another by now, nothing is done"}

STALE: Mapping[int, str] = {412: "it was changed meanwhile"}

REVISION_TAG = {"ETag": "its revision"}

_REVISION = re.compile(r'(?:W/)?"?([0-9]{1,19})"?')


def expected(header: Header) -> int | None:
    """ABSENT for `If-None-Match: *`, PRESENT for `If-Match: *`, the revision of `If-Match: 3` or `"3"`, None without
    either header. Raises InvalidArgument."""
    match, none_match = header("If-Match"), header("If-None-Match")
    if match is not None and none_match is not None:
        raise InvalidArgument(
            "If-Match and If-None-Match exclude each other", field="If-Match", hint="send one of them"
        )
    if none_match is not None:
        if none_match.strip() != "*":
            raise InvalidArgument(
                f"If-None-Match {none_match[:40]!r} is not read", field="If-None-Match", hint="* for: only if absent"
            )
        return ABSENT
    if match is None:
        return None
    if match.strip() == "*":
        return PRESENT
    found = _REVISION.fullmatch(match.strip())
    if found is None or not 1 <= int(found[1]) <= REVISION_MAX:
        raise InvalidArgument(
            f"If-Match {match[:40]!r} is not a revision", field="If-Match", hint="a revision that was read, such as 3"
        )
    return int(found[1])


def expected_of(req: falcon.asgi.Request) -> int | None:
    return expected(req.get_header)


def version_of(req: falcon.asgi.Request, *, required: bool = False) -> int | None:
    """The version that If-Match says is there; None without it, or for `*`. Raises InvalidArgument, and
    PreconditionRequired where it has to be said."""
    found = expected_of(req)
    if found == ABSENT:
        raise InvalidArgument("If-None-Match is not for this", field="If-None-Match", hint="send If-Match: VERSION")
    if required and found is None:
        raise PreconditionRequired(
            "If-Match is missing", field="If-Match", hint="send the version that you have read, such as If-Match: 3"
        )
    return None if found == PRESENT else found


def tag(revision: int) -> str:
    """The revision as an ETag."""
    return f'"{revision}"'


def tagged(resp: falcon.asgi.Response, revision: int) -> None:
    """Give the revision as the answer's ETag."""
    resp.set_header("ETag", tag(revision))
