"""The address of this machine by which a registry knows it."""

import asyncio
import socket
from urllib.parse import urlsplit

from dnsregistry.client.errors import RegistryAway

CONNECT_SECONDS = 0.5
"""For one of several addresses: by then a connection goes to the next one, too."""


async def find_local_address(url: str) -> str:
    """The local address from which the host of a URL is reached. Sends nothing there.

    Of several addresses of the host, such as those of `localhost`, that one counts at which
    somebody accepts; where nobody does, the first to which a route leads.

    Raises RegistryAway where the host has no address or no route leads to it.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (OSError, RuntimeError) as error:
        raise RegistryAway(f"{host} has no address ({error})") from None
    reason, ways = "no route", []
    for family, kind, _, _, place in found:
        try:
            with socket.socket(family, kind) as sock:
                # UDP: it chooses the route and the address, and no datagram goes out.
                sock.connect(place)
                ways.append((place, str(sock.getsockname()[0]).partition("%")[0]))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
    if not ways:
        raise RegistryAway(reason)
    for place, local in ways if len(ways) > 1 else ():
        if await accepts(str(place[0]), int(place[1])):
            return local
    return ways[0][1]


async def accepts(host: str, port: int, seconds: float = CONNECT_SECONDS) -> bool:
    """Whether a TCP connection comes about in so many seconds; it is cut at once."""
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.transport.abort()
    return True
