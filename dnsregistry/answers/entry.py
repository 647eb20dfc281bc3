"""A finished reply in its parts: what every asker of one question in one form gets."""

from collections.abc import Iterator

from dnsregistry.answers.protocol import HEADER_OCTETS
from dnsregistry.answers.tally import Tally
from dnsregistry.answers.variants import Parts, go_round

ENTRY_OCTETS = 900
"""What an entry takes beside its octets: the object, its lists, and its places in the tables."""
VARIANT_OCTETS = 130
"""What each variant takes beside its octets."""
RA_OCTET, RA_BIT = 1, 0x80
_BARE_OPT = 11
_COUNT_OF_OTHERS_AT = 8
"""In a head: the count of the additional section, where nothing but an OPT record may be."""
_SOA_NUMBERS = 20
"""Octets of an SOA from its serial to its end (RFC 1035, 3.3.13)."""
_OPT_START = b"\0\0\x29"
"""The root and the type of an OPT record (RFC 6891, 6.1.2)."""
_NO_PARTS = Parts((), b"", b"")


class Entry:
    """A reply but for its id and question, with its records in the orders that take turns.

    It answers a question of type `rtype` with `rcode`.

    A reply is the message's id, a head of flags and counts, the question as it came, records,
    and the rest. `heads` are those without and with RA. `prefix` is where the question ends.
    `until` is when the entry ends; `cell` is where its sending is counted. `is_general` says that
    whoever asks this question in this form gets this entry. `planned` and `plans` belong to
    whoever sends it. `given` is whether anybody got it. `denies` is None: an entry is an answer.
    """

    __slots__ = (
        "cell",
        "denies",
        "given",
        "heads",
        "is_general",
        "octets",
        "parts",
        "planned",
        "plans",
        "prefix",
        "rcode",
        "rest",
        "rtype",
        "turns",
        "until",
    )

    def __init__(
        self,
        head: bytes,
        prefix: int,
        parts: Parts,
        until: float,
        tally: Tally,
        rtype: int,
        rcode: int,
        *,
        is_general: bool,
    ) -> None:
        octets = bytearray(head)
        octets[RA_OCTET] &= ~RA_BIT
        plain = bytes(octets)
        octets[RA_OCTET] |= RA_BIT
        self.heads = (plain, bytes(octets))
        self.prefix = prefix
        self.parts = parts
        self.rest = parts.rest
        self.turns = go_round(parts.variants, parts.turns)
        self.is_general = is_general
        self.given = self.planned = False
        self.plans: Iterator[bytes] = iter(())
        self.until = until
        self.rtype = rtype
        self.rcode = rcode
        size = prefix + len(parts.variants[0]) + len(self.rest)
        self.cell = tally.cell(rtype, rcode, size)
        self.denies = None
        of_variants = sum(map(len, parts.variants)) + len(parts.variants) * VARIANT_OCTETS
        self.octets = ENTRY_OCTETS + of_variants + len(parts.turns) + len(self.rest)

    def write(self, message: bytes, *, recursion: bool) -> bytes:
        """Return the reply to a message that asks this question in this form, and count it."""
        self.cell[0] += 1
        self.given = True
        return b"".join(
            (
                message[:2],
                self.heads[recursion],
                message[HEADER_OCTETS : self.prefix],
                next(self.turns),
                self.rest,
            )
        )

    def write_with(self, message: bytes, options: bytes, limit: int, *, recursion: bool) -> bytes:
        """The same with EDNS options in its OPT; empty where that has no room."""
        size = self.prefix + len(self.parts.variants[0]) + len(self.rest) + len(options)
        # The one option that may be there is an extended error, whose text does not begin so.
        at = self.rest.rfind(_OPT_START)
        own = len(self.rest) - at - _BARE_OPT
        if size > limit or at < 0 or own < 0:
            return b""
        if int.from_bytes(self.rest[at + _BARE_OPT - 2 : at + _BARE_OPT]) != own:
            return b""
        reply = self.write(message, recursion=recursion)
        head, told = reply[: len(reply) - own - 2], reply[len(reply) - own :]
        return b"".join((head, (own + len(options)).to_bytes(2), told, options))

    def renumber(self, serial: int) -> None:
        """Have a denial without options tell another serial: its last record is the zone's SOA."""
        rest = self.rest
        has_opt = any(self.heads[False][_COUNT_OF_OTHERS_AT:])
        at = len(rest) - _SOA_NUMBERS - (_BARE_OPT if has_opt else 0)
        self.rest = b"".join((rest[:at], serial.to_bytes(4), rest[at + 4 :]))
        self.parts = Parts(self.parts.variants, self.parts.turns, self.rest)
        self.planned = False

    def end(self) -> None:
        """Let nobody have it from now on, and let go of what it holds."""
        self.until = -1.0
        self.plans = iter(())
        self.turns = iter(())
        self.parts = _NO_PARTS
