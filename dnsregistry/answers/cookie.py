"""DNS cookies (RFC 7873), with server cookies as RFC 9018 has them.

Rules:
- A client cookie is answered with it and a server cookie that holds for this client's address.
- A server cookie that does not hold is no error: the client gets a new one and its answer.
- One that holds proves that the address is not forged.
- An option of another length than 8, or 16 to 40, is malformed (RFC 7873, 5.2.2).
"""

import hmac
import struct
from dataclasses import dataclass
from ipaddress import ip_address

from dnsregistry.answers.siphash import siphash

CLIENT_OCTETS = 8
LIFETIME = 3600
"""Seconds that a server cookie holds (RFC 9018, 4.3)."""
SKEW = 300
"""Seconds that it may be from the future: another server of the set made it (RFC 9018, 4.3)."""

_STAMP = struct.Struct("!BxxxI")
_SERVER_OCTETS = 16
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Cookie:
    """What to send back, and whether what came holds."""

    octets: bytes
    valid: bool


class CookieBaker:
    """Makes and checks server cookies with one secret of 16 octets."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def answer(self, octets: bytes, address: str, now: float) -> Cookie | None:
        """Answer a client's option at a unix time; None where it is malformed."""
        if len(octets) != CLIENT_OCTETS and not 16 <= len(octets) <= 40:
            return None
        client, server = octets[:CLIENT_OCTETS], octets[CLIENT_OCTETS:]
        fresh = self._bake(client, _STAMP.pack(_VERSION, int(now) & 0xFFFFFFFF), address)
        return Cookie(client + fresh, self._holds(client, server, address, now))

    def _holds(self, client: bytes, server: bytes, address: str, now: float) -> bool:
        if len(server) != _SERVER_OCTETS or server[0] != _VERSION:
            return False
        _, stamp = _STAMP.unpack_from(server)
        age = (int(now) - stamp + (1 << 31)) % (1 << 32) - (1 << 31)
        if not -SKEW <= age <= LIFETIME:
            return False
        expected = self._bake(client, server[: _STAMP.size], address)
        return hmac.compare_digest(server, expected)

    def _bake(self, client: bytes, stamp: bytes, address: str) -> bytes:
        packed = ip_address(address.partition("%")[0]).packed
        return stamp + siphash(self._secret, client + stamp + packed)
