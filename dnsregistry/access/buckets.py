"""So much a second for each client, and a second's worth in advance.

A client is an IPv4 address or an IPv6 /64. The table is bounded; who was seen first goes first.
"""

from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

MOST_CLIENTS = 100_000
"""About 30 MB; a flood from more than that is no longer told apart."""
V6_OCTETS = 8
_REMEMBERED = 4096

Network = IPv4Network | IPv6Network


class Bucket:
    """What one client has left."""

    __slots__ = ("_filled_at", "_level")

    def __init__(self, burst: float, now: float) -> None:
        self._level = burst
        self._filled_at = now

    def fill(self, rate: float, burst: float, now: float) -> float:
        """What there is now."""
        self._level = min(burst, self._level + (now - self._filled_at) * rate)
        self._filled_at = now
        return self._level

    def take(self) -> None:
        """Take one."""
        self._level -= 1


class Buckets:
    """At most `rate` a second in the long run, `burst` at once."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._buckets: OrderedDict[bytes, Bucket] = OrderedDict()

    def take(self, address: str, now: float) -> bool:
        """Take one for a client, if there is one."""
        if not self.has(address, now):
            return False
        self._buckets[pack(address)].take()
        return True

    def has(self, address: str, now: float) -> bool:
        """Whether a client has one left, which it keeps."""
        key = pack(address)
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= MOST_CLIENTS:
                self._buckets.popitem(last=False)
            bucket = self._buckets[key] = Bucket(self._burst, now)
        return bucket.fill(self._rate, self._burst, now) >= 1


class Networks:
    """Which clients are in some networks."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = tuple(networks)
        self._holds = lru_cache(_REMEMBERED)(self._look)

    def __contains__(self, address: str) -> bool:
        return self._holds(address)

    def _look(self, address: str) -> bool:
        parsed = _parse(address)
        return parsed is not None and any(parsed in network for network in self._networks)


@lru_cache(_REMEMBERED)
def pack(address: str) -> bytes:
    """The octets that a client is known by; IPv4 in IPv6 is IPv4."""
    parsed = _parse(address)
    if parsed is None:
        return b""
    return parsed.packed if parsed.version == 4 else parsed.packed[:V6_OCTETS]


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    """None for a client that has no address: it was gone before it was asked for."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    mapped: IPv4Address | None = getattr(parsed, "ipv4_mapped", None)
    return parsed if mapped is None else mapped
