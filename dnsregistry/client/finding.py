"""Endpoints of services, kept for as long as they may be, and longer while nobody answers."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from dnsregistry.client.choice import arrange
from dnsregistry.client.errors import DnsAway, RegistryAway
from dnsregistry.client.values import Endpoint

MOST_KEPT = 1024
"""Services; the one that was asked for first gives way."""

RETRY_SECONDS = 1.0
"""While nobody answers: who finds often does not wait for the next silence each time."""

_log = logging.getLogger(__name__)

Ask = Callable[[], Awaitable[tuple[list[Endpoint], float]]]
"""Finds endpoints, and the seconds for which they may be kept."""


@dataclass(frozen=True, slots=True)
class _Kept:
    endpoints: list[Endpoint]
    until: float
    useless_from: float


class Finder:
    """A cache of endpoints.

    `now` is a monotonic clock in seconds. While nobody answers, what was known is used for up to
    `stale` seconds more: a registry that is away takes no service away.
    """

    def __init__(
        self, now: Callable[[], float], draw: Callable[[], float], *, stale: float
    ) -> None:
        self._now = now
        self._draw = draw
        self._stale = stale
        self._kept: dict[object, _Kept] = {}

    async def find(self, key: object, ask: Ask) -> list[Endpoint]:
        """The endpoints in the order in which they are to be tried, drawn anew each time.

        Raises RegistryAway or DnsAway where nobody answers and nothing is known.
        """
        kept = self._kept.get(key)
        if kept is None or kept.until <= self._now():
            try:
                endpoints, ttl = await ask()
            except (RegistryAway, DnsAway) as away:
                if kept is None or kept.useless_from <= self._now():
                    self._kept.pop(key, None)
                    raise
                _log.warning("using what was known before: %s", away)
                until = min(self._now() + RETRY_SECONDS, kept.useless_from)
                self._kept[key] = replace(kept, until=until)
            else:
                kept = self._keep(key, endpoints, ttl)
        return arrange(kept.endpoints, self._draw)

    def _keep(self, key: object, endpoints: list[Endpoint], ttl: float) -> _Kept:
        until = self._now() + ttl
        kept = _Kept(endpoints, until, until + self._stale)
        self._kept.pop(key, None)
        self._kept[key] = kept
        if len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        return kept
