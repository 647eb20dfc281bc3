"""An answer, decided but not yet written: rcode, flags and RRsets by section."""

from dataclasses import dataclass

from dnsregistry.answers.protocol import Rcode
from dnsregistry.zone.rrset import RRset


@dataclass(frozen=True, slots=True)
class Answer:
    """What the answer says; how much of it fits is for the writer to see.

    Additional RRsets stand in the order in which they are worth having.
    """

    rcode: Rcode
    authoritative: bool = False
    answer: tuple[RRset, ...] = ()
    authority: tuple[RRset, ...] = ()
    additional: tuple[RRset, ...] = ()


REFUSED = Answer(Rcode.REFUSED)
"""For names and classes that are not ours: no data, no authority, no recursion."""
