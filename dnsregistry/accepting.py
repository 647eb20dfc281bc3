"""How a server ends to accept connections."""

import asyncio


async def end_accepting(server: asyncio.AbstractServer) -> None:
    """Have a server accept no more, and what it has accepted become connections; then close it.

    asyncio makes a connection of an accepted socket a turn later, which fails where the server was
    closed in between: the error is logged, and the socket stays open.
    """
    if isinstance(server, asyncio.Server):
        loop = asyncio.get_running_loop()
        for sock in server.sockets:
            loop.remove_reader(sock)
        # One turn for the socket to get its connection, one for that to be told of it.
        for _ in range(2):
            await asyncio.sleep(0)
    server.close()
