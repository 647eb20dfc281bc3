"""Host names of registries: resolved as usual, and remembered.

The registry may be what answers its own host name, and at the very end of a process Python starts
no thread to resolve anything; in both cases the address of last time is used.
"""

from socket import AddressFamily

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

MOST_NAMES = 64
"""Nobody has as many registries."""


class RememberingResolver(AbstractResolver):
    """Python's own resolver, and the last answer for each name where that fails."""

    def __init__(self) -> None:
        self._resolver = ThreadedResolver()
        self._known: dict[tuple[str, int], list[ResolveResult]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AddressFamily.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host. Raises OSError where it was never resolved."""
        key = (host, port)
        try:
            found = await self._resolver.resolve(host, port, family)
        except (OSError, RuntimeError) as error:
            if key in self._known:
                return self._known[key]
            raise OSError(str(error)) from error
        if len(self._known) < MOST_NAMES or key in self._known:
            self._known[key] = found
        return found

    async def close(self) -> None:
        """Nothing is open."""
        await self._resolver.close()
