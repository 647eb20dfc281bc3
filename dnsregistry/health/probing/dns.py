"""DNS: a question over UDP, answered with NOERROR and at least one record."""

import asyncio
import secrets
import socket
import struct
from collections.abc import Sequence

from dnsregistry.health.outcome import ProbeFailed
from dnsregistry.health.probing.connect import Connector, open_socket
from dnsregistry.registry.check import DnsProbe, Place

TYPES = {
    "A": 1,
    "NS": 2,
    "CNAME": 5,
    "SOA": 6,
    "PTR": 12,
    "MX": 15,
    "TXT": 16,
    "AAAA": 28,
    "SRV": 33,
}
_RCODES = {1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
_HEADER = struct.Struct("!HHHHHH")
_TYPE_CLASS = struct.Struct("!HH")
_QR, _RD, _RCODE = 0x8000, 0x0100, 0xF
DATAGRAM_OCTETS = 65_535
MOST_STRANGERS = 64
"""Datagrams that are no reply to the question: they are read as fast as they come."""


async def probe_dns(connector: Connector, probe: DnsProbe, places: Sequence[Place]) -> str:
    """Return the reason of a pass. Raises ProbeFailed, Forbidden."""
    loop = asyncio.get_running_loop()
    address, port = (await connector.find(places))[0]
    question = _write_question(probe)
    number = secrets.randbits(16)
    with open_socket(address, socket.SOCK_DGRAM) as sock:
        try:
            # Connected, so that nobody else's datagram is taken for the answer.
            await loop.sock_connect(sock, (str(address), port))
            await loop.sock_sendall(sock, _HEADER.pack(number, _RD, 1, 0, 0, 0) + question)
            for _ in range(MOST_STRANGERS):
                reply = await loop.sock_recv(sock, DATAGRAM_OCTETS)
                if (records := _read_reply(reply, number, question)) is not None:
                    return f"{records} records"
            raise ProbeFailed(f"{MOST_STRANGERS} datagrams, none of which is the reply")
        except OSError as error:
            raise ProbeFailed((error.strerror or str(error)).lower()) from None


def _write_question(probe: DnsProbe) -> bytes:
    labels = (label.encode("ascii") for label in probe.name.split("."))
    name = b"".join(bytes((len(label),)) + label for label in labels) + b"\0"
    return name + _TYPE_CLASS.pack(TYPES[probe.qtype], 1)


def _read_reply(reply: bytes, number: int, question: bytes) -> int | None:
    """How many records answer; None for a message that is no reply to the question."""
    if len(reply) < _HEADER.size:
        return None
    replied, flags, _, answers, _, _ = _HEADER.unpack_from(reply)
    records = int(answers)
    asked = reply[_HEADER.size : _HEADER.size + len(question)]
    if replied != number or not flags & _QR or asked.lower() != question.lower():
        return None
    rcode = flags & _RCODE
    if rcode:
        raise ProbeFailed(f"answered {_RCODES.get(rcode, f'rcode {rcode}')}")
    if not records:
        raise ProbeFailed("answered without a record")
    return records
