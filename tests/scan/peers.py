"""Programs that a scan comes upon: each listens on an address of its own, at one port."""

import asyncio
import contextlib
import json
import socket
from collections.abc import Awaitable, Callable

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Peers:
    """Starts peers in the test's loop and ends them; `port` is the same for all."""

    def __init__(self, network: str = "127.77.0") -> None:
        """`network` is the first three octets of the addresses."""
        self.network = network
        with socket.create_server((f"{network}.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._servers: dict[int, asyncio.Server] = {}
        self._busy: set[asyncio.Task[None]] = set()
        self.asked: list[int] = []

    async def start(self, host: int, behave: Behaviour, port: int | None = None) -> str:
        """Have the address with this last octet behave so; returns it."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._busy.add(task)
            self.asked.append(host)
            try:
                with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                    await behave(reader, writer)
            finally:
                self._busy.discard(task)
                writer.transport.abort()

        address = f"{self.network}.{host}"
        server = await asyncio.start_server(serve, address, port or self.port, backlog=64)
        self._servers[host] = server
        return address

    async def stop(self, host: int) -> None:
        server = self._servers.pop(host)
        server.close()
        await server.wait_closed() if not self._busy else None

    async def close(self) -> None:
        for server in self._servers.values():
            server.close()
        for task in tuple(self._busy):
            task.cancel()
        await asyncio.gather(*self._busy, return_exceptions=True)


def identify(service_type: str, service_id: str | None = None, **more: object) -> Behaviour:
    """Answers `identify`, as the document has it; whatever else it is sent is hung up on."""
    answer = {"service_type": service_type, "metadata": {}, **more}
    if service_id is not None:
        answer["service_id"] = service_id

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        question = json.loads(await reader.readline())
        if question["type"] == "identify" and question["timestamp"]:
            writer.write(json.dumps(answer).encode())
            await writer.drain()
            # Neither a newline nor an end: the object is the whole answer.
            await reader.read()

    return behave


def say(octets: bytes, *, wait: bool = True) -> Behaviour:
    """Says this, whatever it is asked, and stays if it is to wait."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(octets)
        await writer.drain()
        if wait:
            await reader.read()

    return behave


async def be_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes everything in and says nothing."""
    while await reader.read(4096):
        pass


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Begins an answer and never ends it, an octet at a time."""
    writer.write(b'{"service_type": "')
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


def flood(first: bytes, again: bytes) -> Behaviour:
    """Never ends an answer, as fast as it can."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(first)
        while True:
            writer.write(again * (65536 // len(again)))
            await writer.drain()

    return behave
