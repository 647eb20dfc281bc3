"""Which addresses are asked, and in which order.

Rules:
- A range holds at most as many addresses as an IPv4 /16, all ranges together no more than four
  of those: a slip in a prefix must not become a scan of half the net.
- An IPv4 range leaves out its network and broadcast address, as nobody is there.
- The order looks random, needs no memory and gives every address once.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from itertools import accumulate
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

MOST_ADDRESSES = 1 << 16
"""Of one range: an IPv4 /16 or an IPv6 /112."""
MOST_IN_ALL = 4 * MOST_ADDRESSES


class RangeError(ValueError):
    """A range cannot be swept; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Target:
    """One address and the port that is asked there."""

    address: Address
    port: int

    def __str__(self) -> str:
        host = f"[{self.address}]" if self.address.version == 6 else f"{self.address}"
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class _Span:
    """The addresses of a range that are asked: the first, and how many."""

    first: Address
    count: int


class Ranges:
    """All addresses of some ranges at some ports, by number; none is written out."""

    def __init__(self, networks: Iterable[Network], ports: Iterable[int]) -> None:
        self._spans = [_span(network) for network in networks]
        self._ends = list(accumulate(span.count for span in self._spans))
        self._ports = tuple(ports)

    def __len__(self) -> int:
        return (self._ends[-1] if self._ends else 0) * len(self._ports)

    def __getitem__(self, number: int) -> Target:
        if not 0 <= number < len(self):
            raise IndexError(number)
        place, port = divmod(number, len(self._ports))
        index = bisect_right(self._ends, place)
        span = self._spans[index]
        return Target(span.first + (place - self._ends[index] + span.count), self._ports[port])

    def __iter__(self) -> Iterator[Target]:
        return (self[number] for number in range(len(self)))

    def __contains__(self, target: object) -> bool:
        return (
            isinstance(target, Target)
            and target.port in self._ports
            and any(
                span.first.version == target.address.version
                and 0 <= int(target.address) - int(span.first) < span.count
                for span in self._spans
            )
        )

    def shuffle(self, draw: Callable[[], float]) -> Iterator[Target]:
        """Every target once, in an order that `draw`, of numbers from 0 to 1, decides."""
        size = len(self)
        if not size:
            return
        # Multiplying by what shares no factor with the size is a permutation (a linear congruence).
        stride = 1 + int(draw() * size)
        while math.gcd(stride, size) > 1:
            stride += 1
        number = int(draw() * size) % size
        for _ in range(size):
            yield self[number]
            number = (number + stride) % size


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read ranges in CIDR form, or single addresses. Raises RangeError."""
    networks = tuple(parse_network(text) for text in texts)
    total = sum(_span(network).count for network in networks)
    if total > MOST_IN_ALL:
        raise RangeError(f"the ranges hold {total} addresses; at most {MOST_IN_ALL} are swept")
    for number, network in enumerate(networks):
        for other in networks[:number]:
            if network.version == other.version and network.overlaps(other):
                raise RangeError(f"{other} and {network} overlap")
    return networks


def parse_network(text: str) -> Network:
    """Read one range; bits behind its prefix do not count. Raises RangeError."""
    try:
        network = ip_network(text.strip(), strict=False)
    except ValueError:
        raise RangeError(f"{text!r} is no range of addresses like 192.168.1.0/24") from None
    if network.num_addresses > MOST_ADDRESSES:
        largest = 16 if network.version == 4 else 112
        raise RangeError(f"{network} is larger than a /{largest}, the largest range that is swept")
    if network.is_multicast or network.is_unspecified or network.network_address.is_unspecified:
        raise RangeError(f"{network} holds no addresses of single machines")
    return network


def _span(network: Network) -> _Span:
    first, count = network.network_address, network.num_addresses
    if network.version == 4 and count > 2:
        return _Span(first + 1, count - 2)
    return _Span(first, count)
