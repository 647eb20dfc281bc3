"""Questions as files: each message behind its length, as over TCP (`dnsperf -B` reads them too)."""

import random
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

TYPES = {"A": 1, "PTR": 12, "AAAA": 28, "SRV": 33}
UDP_SIZE = 1232
_HEADER = struct.pack("!HHHHHH", 0, 0x0100, 1, 0, 0, 1)
_CASE_BIT = 0x20

Question = tuple[str, str]
"""A name, absolute without its last dot, and a type."""


@dataclass(frozen=True, slots=True)
class QueryFile:
    """A written file and the number of its messages."""

    path: Path
    count: int

    def read(self) -> Iterator[bytes]:
        """Its messages, in order."""
        octets = self.path.read_bytes()
        at = 0
        while at < len(octets):
            length = int.from_bytes(octets[at : at + 2])
            yield octets[at + 2 : at + 2 + length]
            at += 2 + length


def write(path: Path, messages: Iterable[bytes]) -> QueryFile:
    """Write the messages."""
    count = 0
    with path.open("wb") as file:
        for message in messages:
            file.write(len(message).to_bytes(2) + message)
            count += 1
    return QueryFile(path, count)


def make_query(question: Question, udp_size: int = UDP_SIZE) -> bytes:
    """A query with EDNS and RD, as stub resolvers send them."""
    return _join(_to_wire(question[0]), question[1], udp_size)


def with_random_case(questions: Iterable[Question], count: int, seed: int) -> Iterator[bytes]:
    """`count` queries that ask the questions in turn, each letter in either case, none twice."""
    rng = random.Random(seed)
    names = [(_to_wire(name), rtype) for name, rtype in questions]
    letters = [[at for at, octet in enumerate(wire) if chr(octet).isalpha()] for wire, _ in names]
    seen: set[bytes] = set()
    made = 0
    while made < count:
        number = made % len(names)
        wire, rtype = names[number]
        bits = rng.getrandbits(len(letters[number]))
        mixed = bytearray(wire)
        for at in letters[number]:
            if bits & 1:
                mixed[at] ^= _CASE_BIT
            bits >>= 1
        query = _join(bytes(mixed), rtype, UDP_SIZE)
        # Type and name together: the same name may be asked for both.
        if query not in seen:
            seen.add(query)
            made += 1
            yield query


def unknown_names(origin: str, count: int, seed: int) -> Iterator[bytes]:
    """`count` queries for services that are not there, half SRV and half A, none twice."""
    rng = random.Random(seed)
    numbers = rng.sample(range(36**7), count)
    for place, number in enumerate(numbers):
        label = f"no-{number:011d}"
        if place % 2:
            yield make_query((f"_{label}._tcp.{origin}", "SRV"))
        else:
            yield make_query((f"{label}.{origin}", "A"))


def take(messages: Iterable[bytes], count: int) -> list[bytes]:
    """The first few."""
    return list(islice(messages, count))


def _to_wire(name: str) -> bytes:
    labels = name.encode("ascii").split(b".")
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def _join(wire_name: bytes, rtype: str, udp_size: int) -> bytes:
    tail = struct.pack("!HHBHHIH", TYPES[rtype], 1, 0, 41, udp_size, 0, 0)
    return _HEADER + wire_name + tail
