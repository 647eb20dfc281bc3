"""The port of a program: whether it accepts, and where."""

import asyncio
import random
from collections.abc import Sequence

from dnsregistry.client.local import accepts

FIRST_SECONDS, LAST_SECONDS = 0.02, 0.25
"""Between attempts: nobody waits long for a quick program, and a slow one is not hammered."""
CONNECT_SECONDS = 2.0
LOOPBACK = ("127.0.0.1", "::1")


class Door:
    """A port at an address, and whether anybody accepts there.

    `address` is what will be registered. Where that is nobody's of this machine (`others` is true,
    as for an address that a router translates), loopback counts as well.
    """

    def __init__(self, address: str, port: int, *, others: bool) -> None:
        self._port = port
        self._places = list(dict.fromkeys((address, *LOOPBACK))) if others else [address]

    def __str__(self) -> str:
        return " or ".join(_join(host, self._port) for host in self._places)

    async def is_open(self) -> bool:
        """Whether a connection comes about now."""
        return any([await accepts(host, self._port, CONNECT_SECONDS) for host in self._places])

    async def wait_open(self) -> None:
        """Return once a connection comes about."""
        wait = FIRST_SECONDS
        while not await self.is_open():
            await asyncio.sleep(wait * (1 + random.random()) / 2)  # noqa: S311 - no secret
            wait = min(wait * 2, LAST_SECONDS)

    async def find_other(self) -> str | None:
        """Where else on this machine it accepts, for people who look for the cause."""
        others: Sequence[str] = [host for host in LOOPBACK if host not in self._places]
        for host in others:
            if await accepts(host, self._port, CONNECT_SECONDS):
                return _join(host, self._port)
        return None


def _join(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
