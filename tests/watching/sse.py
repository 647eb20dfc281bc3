"""An event stream as a browser reads it (WHATWG HTML, 9.2.6), with nothing of the server's code."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientResponse, ClientSession

from tests.program import PATIENCE


@dataclass
class Block:
    """What stands between two empty lines."""

    id: str | None = None
    event: str = "message"
    data: list[str] = field(default_factory=list)
    retry: int | None = None
    comments: int = 0

    @property
    def revision(self) -> int:
        return int(self.id or -1)

    @property
    def json(self) -> Any:
        return json.loads("\n".join(self.data))

    @property
    def told(self) -> tuple[str, str | None]:
        """Kind and the instance's id."""
        instance = self.json["instance"]
        assert self.json["revision"] == self.revision
        return self.event, None if instance is None else instance["id"]


class EventStream:
    """Blocks as they come; `last_id` is what a browser would send when it comes back."""

    def __init__(self, response: ClientResponse) -> None:
        self.response = response
        self.last_id = ""

    async def next_block(self) -> Block:
        """The next one, with data or without. Raises EOFError at the end."""
        block = Block()
        async with asyncio.timeout(PATIENCE):
            while line := await self.response.content.readline():
                text = line.decode().removesuffix("\n")
                if not text:
                    return block
                name, _, value = text.partition(":")
                value = value.removeprefix(" ")
                match name:
                    case "":
                        block.comments += 1
                    case "id":
                        block.id = self.last_id = value
                    case "event":
                        block.event = value
                    case "data":
                        block.data.append(value)
                    case "retry":
                        block.retry = int(value)
        raise EOFError

    async def next(self) -> Block:
        """The next event."""
        while not (block := await self.next_block()).data:
            pass
        return block

    async def take(self, count: int) -> list[Block]:
        return [await self.next() for _ in range(count)]


@asynccontextmanager
async def watching(
    http: ClientSession, query: str = "", **headers: str
) -> AsyncIterator[EventStream]:
    """A stream, open; its first block is still to be read."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    async with http.get(f"/v1/watch{query}", headers=given) as response:
        assert response.status == 200, await response.text()
        yield EventStream(response)
