"""What the clients are made of: operations as methods that block or are awaited, one part of a client for each noun."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, Protocol, TypeVar

from ironflow.calls import Json, Plan

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """An operation has its result."""

    result: T


class Follows(Protocol):
    def follow(self, plan: Plan[T]) -> T: ...


class Watches(Follows, Protocol):
    def watch(self, path: str, params: Mapping[str, Any], after: int | None) -> Iterator[Json]: ...


class FollowsAsync(Protocol):
    async def follow(self, plan: Plan[T]) -> T: ...


class WatchesAsync(FollowsAsync, Protocol):
    def watch(self, path: str, params: Mapping[str, Any], after: int | None) -> AsyncIterator[Json]: ...


class Blocking(Generic[P, T]):
    """An operation as a method that blocks."""

    def __init__(self, operation: Callable[P, Plan[T]]) -> None:
        self.__doc__ = operation.__doc__
        self._operation = operation

    def __get__(self, client: Follows, owner: type) -> Callable[P, T]:
        @functools.wraps(self._operation)
        def method(*args: P.args, **kwargs: P.kwargs) -> T:
            return client.follow(self._operation(*args, **kwargs))

        return method


class Awaited(Generic[P, T]):
    """An operation as a coroutine method."""

    def __init__(self, operation: Callable[P, Plan[T]]) -> None:
        self.__doc__ = operation.__doc__
        self._operation = operation

    def __get__(self, client: FollowsAsync, owner: type) -> Callable[P, Coroutine[Any, Any, T]]:
        @functools.wraps(self._operation)
        async def method(*args: P.args, **kwargs: P.kwargs) -> T:
            return await client.follow(self._operation(*args, **kwargs))

        return method


class Part:
    """Operations of one noun."""

    def __init__(self, client: Watches) -> None:
        self._client = client

    def follow(self, plan: Plan[T]) -> T:
        return self._client.follow(plan)


class AsyncPart:
    """Operations of one noun."""

    def __init__(self, client: WatchesAsync) -> None:
        self._client = client

    async def follow(self, plan: Plan[T]) -> T:
        return await self._client.follow(plan)
