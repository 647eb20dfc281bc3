"""Requests a second of one client, at most (HTTP_RATE_LIMIT)."""

from collections.abc import Sequence
from time import monotonic

from aiohttp import web

from dnsregistry.access.buckets import Buckets, Network, Networks
from dnsregistry.api.problems import TOO_MANY_REQUESTS, Problem

BURST_SECONDS = 1.0
"""What a client that starts may ask at once: a second's worth."""
_RETRY = {"Retry-After": "1"}
"""Seconds, in which the bucket of whoever stops fills."""


class Quota:
    """Counts requests by their clients."""

    def __init__(self, rate: int, exempt: Sequence[Network]) -> None:
        self._rate = rate
        self._buckets = Buckets(rate, max(1.0, rate * BURST_SECONDS))
        self._exempt = Networks(exempt)

    def check(self, request: web.Request) -> None:
        """Raise Problem 429 for a request too many."""
        address = request.remote or ""
        if address in self._exempt or self._buckets.take(address, monotonic()):
            return
        detail = f"more than {self._rate} requests a second from {address}"
        raise Problem(TOO_MANY_REQUESTS, detail, headers=_RETRY)
