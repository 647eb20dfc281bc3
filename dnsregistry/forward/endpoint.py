"""Where an upstream is asked: an address and a port."""

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

DNS_PORT = 53


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address in its usual text, an IPv6 one with its zone if it has one, and a port."""

    host: str
    port: int = DNS_PORT

    @property
    def family(self) -> socket.AddressFamily:
        """The family that the address belongs to."""
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET

    def __str__(self) -> str:
        """Write what `parse_endpoint` reads; the port only where it is not 53."""
        if self.port == DNS_PORT:
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_endpoint(text: str) -> Endpoint:
    """Read `10.0.0.53`, `10.0.0.53:5353`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:53`.

    Raises ValueError with one sentence.
    """
    host, port = text, ""
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            raise ValueError(f"{text!r} is no address in brackets with a port")
        port = port.removeprefix(":") if port else str(DNS_PORT)
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    else:
        port = str(DNS_PORT)
    try:
        address = ip_address(host)
    except ValueError:
        raise ValueError(f"{text!r} is no IP address with or without a port") from None
    if address.is_unspecified or address.is_multicast:
        raise ValueError(f"{text!r} is no address of one server")
    if not (port.isascii() and port.isdecimal() and 1 <= int(port) <= 65535):
        raise ValueError(f"{text!r} has no port between 1 and 65535")
    return Endpoint(str(address), int(port))


def is_ours(endpoint: Endpoint, listening: Iterable[tuple[str, int]]) -> bool:
    """Whether asking the endpoint would be asking ourselves, listening on these addresses."""
    for host, port in listening:
        if port != endpoint.port:
            continue
        if host == endpoint.host:
            return True
        wildcard = "::" if endpoint.family == socket.AF_INET6 else "0.0.0.0"  # noqa: S104
        if host == wildcard and _is_of_this_machine(endpoint):
            return True
    return False


def _is_of_this_machine(endpoint: Endpoint) -> bool:
    with socket.socket(endpoint.family, socket.SOCK_DGRAM) as probe:
        try:
            # Only an address of the machine can be bound; port 0 disturbs nobody.
            probe.bind((endpoint.host, 0))
        except OSError:
            return False
    return True
