"""Search as the faces use it: the parts put together."""

from __future__ import annotations

import asyncio

from app.clock import Clock
from app.history.committer import Committer
from app.history.tail import Tail
from app.runs.functions import Functions
from app.runs.reading import RunReader
from app.runs.rewind import Rewind
from app.search.applying import Applying
from app.search.collect import Collector
from app.search.embedder import Embedder, EmbedOptions
from app.search.find import Finder
from app.search.groups import Groups
from app.search.marks import Marks
from app.search.merging import Merging
from app.search.near import Nearness
from app.search.similar import Similar
from storage.contract import Storage


class Search:
    def __init__(
        self,
        *,
        storage: Storage,
        committer: Committer,
        tail: Tail,
        reader: RunReader,
        functions: Functions,
        rewind: Rewind,
        clock: Clock,
        options: EmbedOptions | None = None,
    ) -> None:
        self.nearness = Nearness(storage)
        embedder = Embedder(options or EmbedOptions(), clock=clock)
        self.collector = Collector(storage=storage, tail=tail, embedder=embedder, nearness=self.nearness)
        self.groups = Groups(storage, clock)
        self.marks = Marks(storage, committer, clock)
        self.applying = Applying(storage, rewind)
        self.merging = Merging(storage, committer, self.collector)
        self.similar = Similar(
            storage=storage,
            reader=reader,
            collector=self.collector,
            embedder=embedder,
            nearness=self.nearness,
            clock=clock,
        )
        self.finder = Finder(storage=storage, functions=functions, similar=self.similar)

    async def start(self) -> None:
        """Take up what the store holds."""
        await self.collector.start()

    async def run(self) -> None:
        """Derive what fails, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.collector.run(), name="failures")
            tasks.create_task(self.nearness.run(), name="nearness")
