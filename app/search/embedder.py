"""Who embeds failures: the features built in, or a model behind an endpoint that speaks OpenAI's embeddings API.

A model is asked for many at once, with a time limit. One that does not answer is left alone for a while, and what fails
meanwhile is embedded by the features built in: nearness is then among those only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import structlog

from app.clock import Clock
from app.outbound.reach import Reach, networks
from app.outbound.url import parse
from app.search.embed import HASHED, embed, embed_text, folded, packed, text_of
from app.search.failure import Failure
from storage.failures import FailureVectorRow

if TYPE_CHECKING:
    from app.outbound.client import Client

log = structlog.get_logger(__name__)

TIMEOUT_S = 10.0
TOGETHER_MAX = 64
ANSWER_BYTES_MAX = 16 * 2**20
TEXT_CHARS_MAX = 4_000
REST_US = 60_000_000
ANYWHERE = "0.0.0.0/0,::/0"


class EmbedOptions(NamedTuple):
    """`url` is that of the embeddings endpoint, such as https://api.example.com/v1/embeddings; "" for none."""

    url: str = ""
    model: str = ""
    api_key: str = ""


class _Embedding(msgspec.Struct):
    embedding: list[float]
    index: int = 0


class _Embeddings(msgspec.Struct):
    data: list[_Embedding]


class EndpointSilent(Exception):
    """The endpoint gave no embeddings; the message says why."""


_answer = msgspec.json.Decoder(_Embeddings)
_encode = msgspec.json.Encoder().encode


def _client(url: str) -> Client:
    from app.outbound.client import Client

    return Client(parse(url, field="embedding_url"), Reach(networks(ANYWHERE)))


class Embedder:
    def __init__(self, options: EmbedOptions, *, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._rests_until = 0
        self._client = _client(options.url) if options.url else None

    @property
    def name(self) -> str:
        """Who embeds while all is well."""
        return f"model {self._options.model}" if self._client is not None else HASHED

    async def embed(self, failures: Sequence[Failure]) -> Sequence[FailureVectorRow]:
        """A vector for each, in order."""
        asked = await self._asked([text_of(failure) for failure in failures])
        name = HASHED if asked is None else self.name
        vectors = [embed(failure) for failure in failures] if asked is None else asked
        return [
            FailureVectorRow(failure.row.environment, failure.row.position, name, vector)
            for failure, vector in zip(failures, vectors, strict=True)
        ]

    async def embed_text(self, text: str) -> tuple[str, bytes]:
        """Who embedded it, and the vector."""
        asked = await self._asked([text])
        return (HASHED, embed_text(text)) if asked is None else (self.name, asked[0])

    async def _asked(self, texts: Sequence[str]) -> list[bytes] | None:
        """What the endpoint says; None if there is none, or if it rests."""
        if self._client is None or not texts or self._clock.now_us() < self._rests_until:
            return None
        found: list[bytes] = []
        try:
            for start in range(0, len(texts), TOGETHER_MAX):
                found += await self._ask(self._client, texts[start : start + TOGETHER_MAX])
        except EndpointSilent as silent:
            self._rests_until = self._clock.now_us() + REST_US
            log.warning("the embeddings endpoint gave none; failures are embedded without it", reason=str(silent))
            return None
        return found

    async def _ask(self, client: Client, texts: Sequence[str]) -> list[bytes]:
        from app.outbound.client import Broken, TooLarge, Unreached

        body = _encode({"model": self._options.model, "input": [text[:TEXT_CHARS_MAX] for text in texts]})
        headers = [("content-type", "application/json"), ("accept-encoding", "identity")]
        if self._options.api_key:
            headers.append(("authorization", f"Bearer {self._options.api_key}"))
        try:
            async with asyncio.timeout(TIMEOUT_S), client.post(headers, body) as answer:
                content = await answer.body(ANSWER_BYTES_MAX)
                if answer.status != 200:
                    raise EndpointSilent(f"it answered {answer.status}")
            told = sorted(_answer.decode(content).data, key=lambda one: one.index)
        except TimeoutError:
            raise EndpointSilent(f"it took longer than {TIMEOUT_S:g} s") from None
        except (Broken, TooLarge, Unreached, msgspec.DecodeError) as error:
            raise EndpointSilent(str(error)) from None
        if len(told) != len(texts) or not all(one.embedding for one in told):
            raise EndpointSilent(f"{len(told)} embeddings for {len(texts)} texts")
        return [packed(folded(one.embedding)) for one in told]
