"""Raw connections to a dialect's port, and the port itself."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from typing import Any

from tests.program import LOOPBACK, PATIENCE


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a program could listen there now."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
        except OSError:
            return False
    return True


@asynccontextmanager
async def crowd(port: int, number: int, kinds: Sequence[bytes]) -> AsyncIterator[None]:
    """So many connections that say one of these things each, and then nothing more."""
    with ExitStack() as opened:
        for place in range(number):
            sock = opened.enter_context(socket.create_connection((LOOPBACK, port)))
            sock.sendall(kinds[place % len(kinds)])
            if not place % 50:
                # The kernel keeps only so many until they are accepted.
                await asyncio.sleep(0.01)
        yield


class Line:
    """A connection on which octets go out, and JSON lines or all that is left come in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, port: int, octets: bytes = b"") -> "Line":
        async with asyncio.timeout(PATIENCE):
            line = cls(*await asyncio.open_connection(LOOPBACK, port, limit=1 << 24))
        if octets:
            await line.send(octets)
        return line

    async def send(self, octets: bytes) -> None:
        async with asyncio.timeout(PATIENCE):
            self.writer.write(octets)
            await self.writer.drain()

    async def ask(self, query: object, *, end: bytes = b"\n") -> Any:
        await self.send(json.dumps(query).encode() + end)
        return await self.receive()

    async def receive(self) -> Any:
        async with asyncio.timeout(PATIENCE):
            return json.loads(await self.reader.readline())

    async def receive_rest(self) -> bytes:
        """What still comes until the other end closes."""
        async with asyncio.timeout(PATIENCE):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""

    async def close(self) -> None:
        self.writer.transport.abort()
        await asyncio.sleep(0)
