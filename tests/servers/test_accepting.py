"""Servers that end at the very moment at which a client comes."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from dnsregistry.accepting import end_accepting
from dnsregistry.api.connection import Runner
from tests.program import LOOPBACK, PATIENCE

Stop = Callable[[], Awaitable[None]]


async def _serve_plainly() -> tuple[int, Stop]:
    server = await asyncio.get_running_loop().create_server(_Guest, LOOPBACK, 0)
    return server.sockets[0].getsockname()[1], lambda: end_accepting(server)


async def _serve_http() -> tuple[int, Stop]:
    runner = Runner(web.Application())
    await runner.setup()
    sock = socket.create_server((LOOPBACK, 0))
    await web.SockSite(runner, sock).start()
    return sock.getsockname()[1], runner.cleanup


class _Guest(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


@pytest.mark.parametrize("serve", [_serve_plainly, _serve_http])
async def test_who_is_accepted_in_the_turn_in_which_the_server_ends_is_let_go(
    serve: Callable[[], Awaitable[tuple[int, Stop]]],
) -> None:
    loop = asyncio.get_running_loop()
    errors: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: errors.append(context))
    port, stop = await serve()
    with socket.create_connection((LOOPBACK, port), timeout=PATIENCE) as client:
        turn = loop.create_future()
        # Whoever is woken now runs before what the loop accepts in the same turn goes on.
        loop.call_soon(turn.set_result, None)
        await turn
        await stop()
        client.setblocking(False)
        async with asyncio.timeout(PATIENCE):
            assert await loop.sock_recv(client, 1) == b""
    assert errors == []
