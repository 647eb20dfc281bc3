"""Who may ask (ALLOW_QUERY)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address

Network = IPv4Network | IPv6Network


EVERYONE: tuple[Network, ...] = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))


class Access:
    """Networks whose clients are let in; none named: nobody is."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = tuple(networks)
        self._is_open = set(EVERYONE) <= set(networks)
        # A house's clients ask again and again; bounded, since a flood comes from anywhere.
        self._allows = lru_cache(maxsize=4096)(self._decide)

    def allows(self, client: str) -> bool:
        """Whether a client with this address, in text, may ask."""
        return self._is_open or self._allows(client)

    def _decide(self, client: str) -> bool:
        address = ip_address(client.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        if mapped is not None:
            address = mapped
        return any(address in network for network in self._networks)


class Transport(StrEnum):
    """What carries messages."""

    UDP = "udp"
    TCP = "tcp"
    DOT = "dot"
    DOH = "doh"


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks, and over what: the address in text, whether by TCP, and what lies over that."""

    address: str
    tcp: bool
    over: Transport | None = None

    @property
    def transport(self) -> Transport:
        """What carried the message, as it is counted."""
        return self.over or (Transport.TCP if self.tcp else Transport.UDP)
