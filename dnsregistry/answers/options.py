"""EDNS options: which are answered, and with what (RFC 6891, 6.1.2).

Rules:
- COOKIE: ours beside the client's (RFC 7873). CLIENT-SUBNET: an answer of ours depends on no
  subnet, so the scope is 0 (RFC 7871, 7.2.1). NSID: where a name for this server is set
  (RFC 5001). TCP-KEEPALIVE: over TCP, how long an idle connection lives (RFC 7828).
- Others are ignored. One of these that is malformed makes the message malformed.
"""

import struct
from dataclasses import dataclass

from dnsregistry.answers.access import Client
from dnsregistry.answers.cookie import CookieBaker
from dnsregistry.answers.query import Edns

NSID, CLIENT_SUBNET, COOKIE, TCP_KEEPALIVE = 3, 8, 10, 11
MOST_NSID_OCTETS = 128
"""All options together then leave room for any question in 512 octets."""
_SUBNET = struct.Struct("!HBB")
_ADDRESS_OCTETS = {1: 4, 2: 16}


@dataclass(frozen=True, slots=True)
class Options:
    """The reply's options, and whether the client proved its address."""

    reply: tuple[tuple[int, bytes], ...] = ()
    proven: bool = False


NO_OPTIONS = Options()


class OptionAnswerer:
    """Answers the options of queries; `idle` is in seconds."""

    def __init__(self, baker: CookieBaker, server_id: str, idle: float) -> None:
        self._baker = baker
        self._nsid = server_id.encode()[:MOST_NSID_OCTETS]
        self._idle = struct.pack("!H", min(65535, int(idle * 10)))

    def answer(self, edns: Edns | None, client: Client, now: float) -> Options | None:
        """Return the answers to a query's options; None where one is malformed."""
        if edns is None or not edns.options:
            return NO_OPTIONS
        reply: dict[int, bytes] = {}
        proven = False
        for code, octets in edns.options:
            if code in reply:
                continue
            if code == COOKIE:
                cookie = self._baker.answer(octets, client.address, now)
                if cookie is None:
                    return None
                reply[code], proven = cookie.octets, cookie.valid
            elif code == CLIENT_SUBNET:
                subnet = _answer_subnet(octets)
                if subnet is None:
                    return None
                reply[code] = subnet
            elif code == NSID and self._nsid:
                reply[code] = self._nsid
            elif code == TCP_KEEPALIVE and client.tcp:
                reply[code] = self._idle
        return Options(tuple(reply.items()), proven)


def _answer_subnet(octets: bytes) -> bytes | None:
    """The option with its scope set to 0; None where family, lengths or padding are off."""
    if len(octets) < _SUBNET.size:
        return None
    family, source, scope = _SUBNET.unpack_from(octets)
    address = octets[_SUBNET.size :]
    most = _ADDRESS_OCTETS.get(family)
    if most is None or scope or source > most * 8 or len(address) != (source + 7) // 8:
        return None
    if source % 8 and address[-1] & (0xFF >> source % 8):
        return None
    return octets[:3] + b"\0" + address
