"""An answer, decided but not yet written: rcode, flags and RRsets by section."""

from dataclasses import dataclass

from dnsregistry.answers.protocol import Ede, Rcode
from dnsregistry.zone.name import Name
from dnsregistry.zone.rrset import RRset


@dataclass(frozen=True, slots=True)
class Answer:
    """What the answer says; how much of it fits is for the writer to see.

    Additional RRsets stand in the order in which they are worth having, and are
    needed where nothing can be found without them (RFC 9471). `open_end` is the target
    of the last alias where that is not ours to follow.

    The same question of any client has the same answer, in whatever order, `until` then, unless
    a change that is told touches its name; 0: nothing is known of that.
    """

    rcode: Rcode
    authoritative: bool = False
    answer: tuple[RRset, ...] = ()
    authority: tuple[RRset, ...] = ()
    additional: tuple[RRset, ...] = ()
    additional_needed: bool = False
    open_end: Name | None = None
    until: float = 0.0
    ede: Ede | None = None


REFUSED = Answer(Rcode.REFUSED, ede=Ede.NOT_AUTHORITATIVE)
"""For names and classes that are not ours: no data, no authority, no recursion."""
PROHIBITED = Answer(Rcode.REFUSED, ede=Ede.PROHIBITED)
"""For clients that may not ask."""
NOT_READY = Answer(Rcode.SERVFAIL, ede=Ede.NOT_READY)
"""For names that are ours and cannot be told now."""
