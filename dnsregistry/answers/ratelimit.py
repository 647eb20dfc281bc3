"""Response rate limiting: no use as an amplifier (RFC 8906 leaves it open; after BIND's RRL).

Rules:
- A client's network, /24 or /56, has a bucket of responses that fills at a steady rate. Over
  UDP a source may be forged, so the forger's victim is who is counted.
- With the bucket empty, every second response is not sent and the others are slipped: TC set
  and nothing else, so that a real client comes back by TCP, where sources cannot be forged.
- Exempt networks, TCP and clients with a valid cookie are not counted; the caller sees to it.
- The table is bounded; the network that was seen first goes first.
"""

from collections import OrderedDict
from enum import Enum
from ipaddress import ip_address

V4_PREFIX, V6_PREFIX = 24, 56
"""One customer of one provider has about as much, so one bucket (BIND's defaults)."""
MOST_NETWORKS = 100_000
"""About 30 MB; a flood from more networks than that is no longer told apart by them."""
BURST_SECONDS = 1.0
"""A resolver that starts asks for much at once; a second's worth is given in advance."""


class Verdict(Enum):
    """What becomes of a response."""

    SEND = "send"
    SLIP = "slip"
    DROP = "drop"


class Bucket:
    """The responses that one network has left."""

    __slots__ = ("_burst", "_filled_at", "_level", "_rate", "refused")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = self._level = burst
        self._filled_at = now
        self.refused = 0

    def take(self, now: float) -> bool:
        """Take one response, if there is one."""
        level = self._level + (now - self._filled_at) * self._rate
        self._filled_at = now
        if level > self._burst:
            level = self._burst
        if level < 1:
            self._level = level
            return False
        self._level = level - 1
        return True

    def has(self, now: float) -> bool:
        """Whether there is one to take."""
        return min(self._burst, self._level + (now - self._filled_at) * self._rate) >= 1


class RateLimit:
    """At most `rate` responses a second to a network, in the long run."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._burst = max(1.0, rate * BURST_SECONDS)
        self._buckets: OrderedDict[bytes, Bucket] = OrderedDict()

    def judge(self, address: str, now: float) -> Verdict:
        """Count one response to a client with this address and say what becomes of it."""
        bucket = self.find(address, now)
        if bucket.take(now):
            return Verdict.SEND
        bucket.refused += 1
        return Verdict.DROP if bucket.refused % 2 else Verdict.SLIP

    def foretell(self, address: str, now: float) -> Verdict:
        """What would become of a response now; nothing is counted."""
        bucket = self._buckets.get(_network(address))
        if bucket is None or bucket.has(now):
            return Verdict.SEND
        return Verdict.SLIP if bucket.refused % 2 else Verdict.DROP

    def find(self, address: str, now: float) -> Bucket:
        """The bucket that a client with this address draws from."""
        network = _network(address)
        bucket = self._buckets.get(network)
        if bucket is None:
            if len(self._buckets) >= MOST_NETWORKS:
                self._buckets.popitem(last=False)
            bucket = self._buckets[network] = Bucket(self._rate, self._burst, now)
        return bucket


def _network(address: str) -> bytes:
    packed = ip_address(address.partition("%")[0]).packed
    return packed[: V4_PREFIX // 8] if len(packed) == 4 else packed[: V6_PREFIX // 8]
