"""What denies names: nothing of a name is in it but where the name ends.

Nor is there anything of the zone in it that changes but the serial. When that moves, a denial is
written over at the next question for it, and not made anew: under a stream of changes those who
ask for AAAA where there is none would have nothing but new ones.
"""

from dnsregistry.answers.entry import Entry
from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import SOA
from dnsregistry.zone.rrset import RRset

MOST_DENIALS = 4096
"""Lengths times forms: all that are in use. Past it they are made anew."""
DENIED_OCTETS = 300
_FILLERS = b"xyz"
"""One more than there are names in an SOA."""


class Denials(dict[tuple[bytes, int], Entry]):
    """What denies names under one origin with one rcode, by form and by where the name ends."""

    def __init__(self, origin: Name, rcode: int) -> None:
        super().__init__()
        self.origin = origin
        self.rcode = rcode
        self._serial = 0
        self._outdated: dict[tuple[bytes, int], Entry] = {}
        """Those that tell an older serial."""

    def keep(self, form: bytes, end: int, entry: Entry) -> None:
        """Deny with this entry the names that are asked for in this form and end there."""
        if len(self) + len(self._outdated) >= MOST_DENIALS:
            self.end_all()
        self[form, end] = entry

    def renumber(self, serial: int) -> None:
        """Have all tell this serial from now on. Costs what has been asked for since the last."""
        self._serial = serial
        if self:
            self._outdated.update(self)
            self.clear()

    def renew(self, form: bytes, end: int) -> Entry | None:
        """What told an older serial, with that of now; None where nothing did."""
        entry = self._outdated.pop((form, end), None)
        if entry is not None:
            entry.renumber(self._serial)
            self[form, end] = entry
        return entry

    def end_all(self) -> None:
        """Forget them all."""
        for kept in (self, self._outdated):
            for entry in kept.values():
                entry.end()
            kept.clear()


class Told(dict[tuple[bytes, bytes], Entry]):
    """Denials that tell why: each its name's own, by name and form."""

    def keep(self, name: bytes, form: bytes, entry: Entry) -> None:
        """Have this entry end when the serial moves."""
        if len(self) >= MOST_DENIALS:
            self.end_all()
        self[name, form] = entry

    def end_all(self) -> None:
        """Forget them all."""
        for entry in self.values():
            entry.end()
        self.clear()


class Denied:
    """In the place of an entry: the name is denied, until then, as others of its length are."""

    __slots__ = ("denies", "octets", "until")

    def __init__(self, denies: Denials, until: float) -> None:
        self.denies = denies
        self.until = until
        self.octets = DENIED_OCTETS


def fill(octets: int, soa: RRset) -> bytes:
    """A wire name of this length, its root not counted, at or under the owner of an SOA.

    No name in the SOA shares more with it than the owner, so none is compressed against more.
    """
    filler = _choose_filler(soa)
    ending = soa.owner.to_wire()
    room = octets + 1 - len(ending)
    labels = []
    while room:
        # A label of one octet takes two, so none may be left over.
        size = min(room, 64)
        size -= room - size == 1
        labels.append(bytes((size - 1,)) + filler * (size - 1))
        room -= size
    return b"".join(labels) + ending


def _choose_filler(soa: RRset) -> bytes:
    rdata = soa.rdatas[0]
    names = (rdata.mname, rdata.rname) if isinstance(rdata, SOA) else ()
    above = [labels[-1][0] for name in names if (labels := name.relative_to(soa.owner))]
    return bytes(filler for filler in _FILLERS if filler not in above)[:1]
