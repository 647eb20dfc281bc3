"""The address of this machine by which a registry knows it."""

import asyncio
import socket
from urllib.parse import urlsplit

from dnsregistry.client.errors import RegistryAway


async def find_local_address(url: str) -> str:
    """The local address from which the host of a URL is reached. Sends nothing there.

    Raises RegistryAway where the host has no address or no route leads to it.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, parts.port or 80, type=socket.SOCK_DGRAM
        )
    except (OSError, RuntimeError) as error:
        raise RegistryAway(f"{host} has no address ({error})") from None
    reason = "no route"
    for family, kind, _, _, place in found:
        try:
            with socket.socket(family, kind) as sock:
                # UDP: it chooses the route and the address, and no datagram goes out.
                sock.connect(place)
                return str(sock.getsockname()[0]).partition("%")[0]
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
    raise RegistryAway(reason)
