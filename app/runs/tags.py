"""Tags of runs: short texts by which runs are found again. A run is given some when it is started, by its code while it
runs, and by people at any time; nothing that the run does depends on them.

What people ask for is refused where it breaks a bound. What code says is not: a report must not fail for a tag. What
there is no room for then is left out, and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from app.errors import InvalidArgument
from app.history.kinds import Fact, RunTagged
from app.runs.limits import Variables, check_key, key_of
from app.runs.state import Run, known

TAGS_MAX = 10
TAG_CHARS_MAX = 64
TEMPLATE_CHARS_MAX = 1_000

_HINT = f"1 to {TAG_CHARS_MAX} printable characters without commas, and no space at either end"
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def usable(tag: str) -> bool:
    return 1 <= len(tag) <= TAG_CHARS_MAX and tag.isprintable() and tag == tag.strip() and "," not in tag


def check(tags: Sequence[str], *, field: str = "tags") -> tuple[str, ...]:
    """The tags, each once. Raises InvalidArgument naming the field."""
    for number, tag in enumerate(tags):
        if not usable(tag):
            raise InvalidArgument(
                f"{field}[{number}] {tag[:80]!a} is not a tag", field=f"{field}[{number}]", hint=_HINT
            )
    once = tuple(dict.fromkeys(tags))
    if len(once) > TAGS_MAX:
        raise InvalidArgument(f"{len(once)} tags are too many for a run", field=field, hint=f"at most {TAGS_MAX}")
    return once


def check_change(add: Sequence[str], remove: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is to be added and removed, each once. Raises InvalidArgument, also if that is nothing."""
    if not add and not remove:
        raise InvalidArgument("no tag is named", field="add", hint="give tags to add, or to remove")
    return check(add, field="add"), check(remove, field="remove")


def listed(text: str) -> tuple[str, ...]:
    """The tags that a run's row has."""
    return tuple(msgspec.json.decode(text)) if text else ()


def fitting(tags: Iterable[str]) -> tuple[tuple[str, ...], int]:
    """Those that are tags, each once, the first as many as a run may have; and how many others there are."""
    said = dict.fromkeys(tags)
    kept = tuple(tag for tag in said if usable(tag))[:TAGS_MAX]
    return kept, len(said) - len(kept)


def tags_after(tags: tuple[str, ...], fact: RunTagged) -> tuple[str, ...]:
    """In the order in which they were given."""
    kept = [tag for tag in tags if tag not in fact.removed]
    return tuple(dict.fromkeys((*kept, *fact.added)))


def decide_tag(run: Run | None, *, add: Sequence[str], remove: Sequence[str], reason: str = "") -> list[Fact]:
    """A person gives and takes tags of a run, whatever became of it: nothing, if it has them so already. Raises
    InvalidArgument if there would be too many."""
    run = known(run)
    removed = tuple(tag for tag in remove if tag in run.tags)
    added = tuple(tag for tag in add if tag not in run.tags or tag in removed)
    if not added and not removed:
        return []
    fact = RunTagged(added, removed, reason=reason)
    count = len(tags_after(run.tags, fact))
    if count > TAGS_MAX:
        raise InvalidArgument(
            f"{run.id} would have {count} tags",
            field="add",
            hint=f"at most {TAGS_MAX}: remove some of {', '.join(run.tags)}",
        )
    return [fact]


def told(tags: Iterable[str], *, step_id: str, execution_seq: int) -> tuple[RunTagged, ...]:
    """The fact of these tags, as code said them; none for none."""
    kept, dropped = fitting(tags)
    if not kept and not dropped:
        return ()
    return (RunTagged(kept, step_id=step_id, execution_seq=execution_seq, dropped=dropped),)


def fresh(had: Sequence[str], fact: RunTagged) -> RunTagged | None:
    """What is new of what code said, as far as there is room; None if nothing is."""
    wanted = [tag for tag in fact.added if tag not in had]
    added = tuple(wanted[: max(0, TAGS_MAX - len(had))])
    dropped = fact.dropped + len(wanted) - len(added)
    if not added and not dropped:
        return None
    return msgspec.structs.replace(fact, added=added, dropped=dropped)


# Tags that a function's definition gives to all of its runs.


def check_template(template: str, *, field: str) -> None:
    """Returns for a tag with any number of `{key}` in it, each a path or a CEL expression of the run's event as the
    keys of other options are. Raises InvalidArgument naming the field."""
    if len(template) > TEMPLATE_CHARS_MAX:
        raise InvalidArgument(f"{field} is too long", field=field, hint=f"at most {TEMPLATE_CHARS_MAX} characters")
    text = _PLACEHOLDER.sub("x", template)
    if "{" in text or "}" in text or not usable(text):
        raise InvalidArgument(
            f"{field} {template[:80]!a} is not a tag",
            field=field,
            hint=f'such as "vip" or "customer:{{customer.id}}": {_HINT}',
        )
    for key in _PLACEHOLDER.findall(template):
        if not key.strip():
            raise InvalidArgument(f"{field} has an empty {{}}", field=field, hint="name a path: {customer.id}")
        check_key(key.strip(), field=field)


def started_with(
    given: tuple[str, ...], templates: Sequence[str], data: object, variables: Variables
) -> tuple[str, ...]:
    """The tags of a run that begins: those given with its event, then what its function's templates make of that. One
    with a key that has no value there, or that becomes no tag, is left out: a tag must not keep a run from starting."""
    if not templates:
        return given
    made = [tag for template in templates if (tag := _filled(template, data, variables)) is not None]
    return fitting((*given, *made))[0]


def _filled(template: str, data: object, variables: Variables) -> str | None:
    if "{" not in template:
        return template
    parts = _PLACEHOLDER.split(template)
    for number in range(1, len(parts), 2):
        value = key_of(parts[number].strip(), data, variables)
        if value is None:
            return None
        parts[number] = value
    return "".join(parts)
