"""A whole program in the test's own event loop, and a client of everything that it serves."""

import asyncio
import socket
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from aiohttp import ClientSession

from dnsregistry.app import App
from dnsregistry.settings import load
from tests.wire import LENGTH_OCTETS, Reply, make_query, with_length

PATIENCE = 20.0
"""Seconds until a wait has failed: never reached on any machine where the code is right."""
LOOPBACK = "127.0.0.1"


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class UdpClient:
    """A connected UDP socket: takes only what comes from where it asked."""

    def __init__(self, host: str, port: int, source: str | None = None) -> None:
        self.socket = _open(socket.SOCK_DGRAM, host, source)
        self.socket.connect((host, port))

    async def send(self, message: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.socket, message)

    async def receive(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await asyncio.get_running_loop().sock_recv(self.socket, 65535)

    async def exchange(self, message: bytes) -> bytes:
        await self.send(message)
        return await self.receive()


class TcpClient:
    """A TCP connection, octet for octet."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self._received = bytearray()

    async def send(self, *messages: bytes) -> None:
        await self.send_octets(b"".join(map(with_length, messages)))

    async def send_octets(self, octets: bytes) -> None:
        async with asyncio.timeout(PATIENCE):
            await asyncio.get_running_loop().sock_sendall(self.socket, octets)

    async def receive(self) -> bytes:
        """The next message. Raises EOFError where the server has closed."""
        length = int.from_bytes(await self._take(LENGTH_OCTETS))
        return await self._take(length)

    async def exchange(self, message: bytes) -> bytes:
        await self.send(message)
        return await self.receive()

    async def wait_closed(self) -> bytes:
        """What still comes until the server closes."""
        rest = bytes(self._received)
        async with asyncio.timeout(PATIENCE):
            while chunk := await self._read():
                rest += chunk
        return rest

    async def _take(self, octets: int) -> bytes:
        async with asyncio.timeout(PATIENCE):
            while len(self._received) < octets:
                chunk = await self._read()
                if not chunk:
                    raise EOFError(f"closed with {len(self._received)} octets of a message")
                self._received += chunk
        taken = bytes(self._received[:octets])
        del self._received[:octets]
        return taken

    async def _read(self) -> bytes:
        try:
            return await asyncio.get_running_loop().sock_recv(self.socket, 65536)
        except ConnectionResetError:
            return b""


class Dns:
    """Asks one server."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._open = AsyncExitStack()

    def udp(self, host: str = LOOPBACK, *, source: str | None = None) -> UdpClient:
        client = UdpClient(host, self.port, source)
        self._open.callback(client.socket.close)
        return client

    async def tcp(self, host: str = LOOPBACK, *, source: str | None = None) -> TcpClient:
        sock = _open(socket.SOCK_STREAM, host, source)
        self._open.callback(sock.close)
        async with asyncio.timeout(PATIENCE):
            await asyncio.get_running_loop().sock_connect(sock, (host, self.port))
        return TcpClient(sock)

    async def ask(
        self,
        name: str,
        rtype: str = "A",
        *,
        host: str = LOOPBACK,
        tcp: bool = False,
        source: str | None = None,
        **query: Any,
    ) -> Reply:
        """One query over a socket of its own; the further arguments are `make_query`'s."""
        return await self.exchange(
            make_query(name, rtype, **query), host=host, tcp=tcp, source=source
        )

    async def exchange(
        self, message: bytes, *, host: str = LOOPBACK, tcp: bool = False, source: str | None = None
    ) -> Reply:
        """Any octets, and the reply to them."""
        client = await self.tcp(host, source=source) if tcp else self.udp(host, source=source)
        try:
            return Reply.of(await client.exchange(message))
        finally:
            client.socket.close()

    async def close(self) -> None:
        await self._open.aclose()


class Program:
    """The program, started; `clock` stands still until it is moved."""

    def __init__(
        self, clock: Clock, environment: Mapping[str, str] | None = None, **settings: object
    ) -> None:
        ports = {"dns_port": 0, "http_port": 0, "dot_port": 0, "https_port": 0}
        self.clock = clock
        given = {**ports, "store": "memory://", **settings}
        self.settings, _ = load(given, environment or {}, None)
        self.app = App(self.settings, clock)
        self._open = AsyncExitStack()

    async def start(self) -> None:
        listening = await self.app.start()
        host, port = listening.http
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self.dns = Dns(listening.dns[0][1])
        self.port = self.dns.port
        self.dot_port = listening.dot[0][1] if listening.dot else 0
        self.https_port = listening.https[1] if listening.https else 0
        self.dialects = {name: port for name, (_, port) in listening.dialects.items()}
        self.ask = self.dns.ask
        self.http = ClientSession(self.url)
        self._open.push_async_callback(self.http.close)
        self._open.push_async_callback(self.dns.close)

    async def stop(self) -> None:
        await self._open.aclose()
        await self.app.stop()

    async def register(self, id: str, **fields: object) -> dict[str, Any]:
        """PUT an instance of which only the telling fields are given."""
        body = {"service": "user-service", "address": "10.0.0.1", "port": 8080, **fields}
        async with self.http.put(f"/v1/instances/{id}", json=body) as response:
            answer: dict[str, Any] = await response.json()
            assert response.status in (200, 201), answer
            return answer

    async def register_all(self, instances: Sequence[dict[str, object]]) -> None:
        """POST an array."""
        async with self.http.post("/v1/instances", json=instances) as response:
            assert response.status == 201, await response.text()

    async def remove(self, id: str) -> None:
        async with self.http.delete(f"/v1/instances/{id}") as response:
            assert response.status == 204, await response.text()

    async def set_status(self, id: str, status: str) -> None:
        url = f"/v1/instances/{id}/status"
        async with self.http.put(url, json={"status": status}) as response:
            assert response.status == 200, await response.text()

    async def read_stats(self) -> dict[str, Any]:
        async with self.http.get("/v1/stats") as response:
            stats: dict[str, Any] = await response.json()
            return stats


def _open(kind: socket.SocketKind, host: str, source: str | None) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
    sock.setblocking(False)
    if source is not None:
        sock.bind((source, 0))
    return sock
