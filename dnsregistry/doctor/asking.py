"""Questions to one server, and what came of them."""

from dataclasses import dataclass
from secrets import token_hex

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset

PATIENCE = 2.0
"""Seconds for one question: a server that takes longer is away for every program too."""
EDNS_OCTETS = 1232
"""What passes every link unfragmented (DNS flag day 2020)."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where DNS is asked."""

    address: str
    port: int = 53

    def __str__(self) -> str:
        if self.port == 53:
            return self.address
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Said:
    """A reply; `failure` says why there is none."""

    reply: dns.message.Message | None
    failure: str = ""

    @property
    def rcode(self) -> str:
        """Its rcode in text, or the failure."""
        return self.failure if self.reply is None else dns.rcode.to_text(self.reply.rcode())

    @property
    def soa(self) -> dns.rrset.RRset | None:
        """The SOA RRset in the answer or the authority section."""
        if self.reply is None:
            return None
        records = (*self.reply.answer, *self.reply.authority)
        return next((found for found in records if found.rdtype == dns.rdatatype.SOA), None)


def ask(
    server: Server, name: str, rtype: str, *, tcp: bool = False, edns: int | None = None
) -> Said:
    """Ask once. A server that is away, refuses to be reached or talks nonsense is a failure."""
    query = dns.message.make_query(
        name,
        rtype,
        use_edns=0 if edns else -1,  # type: ignore[arg-type, unused-ignore]
        payload=edns or 0,
    )
    send = dns.query.tcp if tcp else dns.query.udp
    try:
        return Said(send(query, server.address, PATIENCE, server.port))
    except dns.exception.Timeout:
        return Said(None, f"no reply in {PATIENCE:.0f} s")
    except (OSError, EOFError) as error:
        return Said(None, getattr(error, "strerror", None) or "the connection was closed")
    except (dns.exception.DNSException, ValueError) as error:
        return Said(None, f"a reply that is none: {error}")


def make_name(zone: str) -> str:
    """A name under the zone that nobody has, nor anybody asked for."""
    return f"doctor-{token_hex(6)}.{zone}"
