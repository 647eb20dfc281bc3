"""Finished replies to questions that come again and again.

Rules:
- The key is the message behind its id, its name in lower case: stubs repeat themselves to the
  octet, and resolvers that mix the case of a name (0x20) still hit. The question is sent back as
  it came.
- What is kept was written by the ordinary path, so both say the same. Kept are answers of the
  live zone whose every record fitted, until their time is up or a change touches their name;
  those that carry the SOA only until the serial moves.
- A question enters on its second sight: a flood of names that come once costs one octet each.
- The records of an answer are kept in several orders, which take turns (`variants`).
- The table is bounded in octets; what was kept first goes first.
"""

from collections.abc import Callable
from dataclasses import dataclass

from dnsregistry.answers.answer import Answer
from dnsregistry.answers.order import Chance
from dnsregistry.answers.protocol import HEADER_OCTETS
from dnsregistry.answers.query import Query
from dnsregistry.answers.variants import make_variants
from dnsregistry.zone.rdata import RRType

MOST_OCTETS = 64 << 20
"""Of keys and replies: some ten thousand answers of ten records in ten orders."""
ENTRY_OCTETS = 600
"""What an entry takes beside them."""
SIGHTS = 1 << 16
"""Places for what was seen once, an octet each; two questions may share one now and then."""
RA_OCTET, RA_BIT = 1, 0x80
_ROTATED = frozenset({RRType.A, RRType.AAAA, RRType.SRV})
"""Types whose records are the same octets wherever they stand: no name in them is compressed."""


class Entry:
    """A reply in its parts: flags and counts, then what follows the question, by turns."""

    __slots__ = (
        "bound",
        "generation",
        "head",
        "name",
        "octets",
        "question_end",
        "rcode",
        "tails",
        "turn",
        "until",
    )

    def __init__(
        self, answer: Answer, name: bytes, reply: bytes, tails: list[bytes], generation: int
    ) -> None:
        self.name = name
        self.rcode = answer.rcode
        self.until = answer.until
        # A reply with the SOA in it changes with every change of the zone.
        self.bound = bool(answer.authority) or answer.answer[0].rtype == RRType.SOA
        self.generation = generation
        head = bytearray(reply[2:HEADER_OCTETS])
        head[RA_OCTET] &= ~RA_BIT
        plain = bytes(head)
        head[RA_OCTET] |= RA_BIT
        self.head = (plain, bytes(head))
        self.question_end = HEADER_OCTETS + len(name) + 4
        self.tails = tails
        self.turn = 0
        self.octets = ENTRY_OCTETS + len(name) + sum(map(len, tails))


@dataclass(frozen=True, slots=True)
class Kept:
    """A finished reply from the table."""

    reply: bytes
    rcode: int


class AnswerTable:
    """Replies by question. `version` tells when the set of zones has changed."""

    def __init__(self, version: Callable[[], int], chance: Chance) -> None:
        self.hits = 0
        self._version = version
        self._chance = chance
        self._seen_version = version()
        self._entries: dict[bytes, Entry] = {}
        self._keys: dict[bytes, set[bytes]] = {}
        self._generation = 0
        self._sights = bytearray(SIGHTS)
        self._octets = 0

    def find(self, message: bytes, now: float, *, recursion: bool) -> Kept | None:
        """Return the finished reply to a message; None where the ordinary path is to answer."""
        entry = self._entries.get(_key(message))
        if entry is None or now >= entry.until or self._version() != self._seen_version:
            return None
        if entry.bound and entry.generation != self._generation:
            return None
        tails = entry.tails
        entry.turn = turn = entry.turn + 1 if entry.turn + 1 < len(tails) else 0
        self.hits += 1
        reply = b"".join(
            (message[:2], entry.head[recursion], message[12 : entry.question_end], tails[turn])
        )
        return Kept(reply, entry.rcode)

    def keep(self, query: Query, message: bytes, answer: Answer, reply: bytes) -> None:
        """Take note of a reply that the ordinary path wrote, and keep it if it is worth that.

        The caller has seen to it that all of the answer is in the reply, and that nothing in it
        is for this client alone.
        """
        version = self._version()
        if version != self._seen_version:
            self.clear()
            self._seen_version = version
        key = _key(message)
        self._drop(key)
        if not self._is_seen(key):
            return
        name = query.question.wire.lower()
        end = HEADER_OCTETS + len(name) + 4
        rotates = len(answer.answer) == 1 and answer.answer[0].rtype in _ROTATED
        rrset = answer.answer[0] if rotates else None
        tails = make_variants(reply, end, rrset, self._chance)
        entry = Entry(answer, name, reply, tails, self._generation)
        self._entries[key] = entry
        self._keys.setdefault(name, set()).add(key)
        self._octets += entry.octets + len(key)
        while self._octets > MOST_OCTETS:
            self._drop(next(iter(self._entries)))

    def forget(self, name: bytes) -> None:
        """Forget all replies to questions for a wire name in lower case."""
        for key in list(self._keys.get(name, ())):
            self._drop(key)

    def forget_bound(self) -> None:
        """Forget all replies that carry the SOA. O(1): they are dropped when they are met."""
        self._generation += 1

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._keys.clear()
        self._octets = 0

    def _drop(self, key: bytes) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        self._octets -= entry.octets + len(key)
        keys = self._keys[entry.name]
        keys.discard(key)
        if not keys:
            del self._keys[entry.name]

    def _is_seen(self, key: bytes) -> bool:
        """Whether this key was the last one to come to its place among the sights."""
        number = hash(key)
        place, mark = number % SIGHTS, (number >> 20) % 255 + 1
        seen = self._sights[place] == mark
        self._sights[place] = mark
        return seen


def _key(message: bytes) -> bytes:
    """What makes two messages one question. Only letters of the name are alike in both cases."""
    end = message.find(0, HEADER_OCTETS)
    return message[2:HEADER_OCTETS] + message[HEADER_OCTETS:end].lower() + message[end:]
