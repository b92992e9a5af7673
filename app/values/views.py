"""Views: filters of a page that somebody keeps under a name, for themselves or for everybody in the environment."""

from __future__ import annotations

from collections.abc import Sequence

from app import texts
from app.clock import Clock
from app.errors import InvalidArgument, ResourceExhausted, ViewNotFound
from storage import views
from storage.contract import Storage, Transaction
from storage.records import ViewRow

PAGES = ("events", "runs")
NAME_CHARS_MAX = 80
FILTER_CHARS_MAX = 2_000
OWNED_MAX = 200
SEEN_MAX = 1_000


class Views:
    def __init__(self, *, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    async def seen(self, environment: str, page: str, owner: str) -> Sequence[ViewRow]:
        """The owner's own and those that others share, by name. Raises InvalidArgument."""
        _check_page(page)
        return await self._storage.read(lambda tx: views.seen(tx, environment, page, owner, limit=SEEN_MAX))

    async def save(
        self, environment: str, page: str, owner: str, name: str, *, filter: str, shared: bool = False
    ) -> ViewRow:
        """In place of the owner's view of that name, if there is one. Raises InvalidArgument naming the field,
        ResourceExhausted for too many."""
        _check_page(page)
        for field, text, most in (("name", name, NAME_CHARS_MAX), ("filter", filter, FILTER_CHARS_MAX)):
            texts.check(text, field=field)
            if not 1 <= len(text.strip()) <= most:
                raise InvalidArgument(f"{field} is empty or too long", field=field, hint=f"1 to {most} characters")
        texts.segment(name.strip(), field="name")
        row = ViewRow(environment, page, owner, name.strip(), filter, int(shared), self._clock.now_us())

        def save(tx: Transaction) -> None:
            views.save(tx, row)
            if views.owned(tx, environment, owner) > OWNED_MAX:
                raise ResourceExhausted(f"you keep {OWNED_MAX} views here", hint="delete some")

        await self._storage.write(save)
        return row

    async def delete(self, environment: str, page: str, owner: str, name: str) -> None:
        """Raises ViewNotFound, InvalidArgument."""
        _check_page(page)
        for field, text in (("name", name), ("owner", owner)):
            texts.check(text, field=field)
        if not await self._storage.write(lambda tx: views.delete(tx, environment, page, owner, name)):
            raise ViewNotFound(f"there is no view {name[:80]!r} of {page}", hint=f"GET /api/v1/views/{page} lists them")


def _check_page(page: str) -> None:
    if page not in PAGES:
        raise InvalidArgument(f"{page[:40]!r} has no views", field="page", hint=f"one of {', '.join(PAGES)}")
