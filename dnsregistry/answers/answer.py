"""An answer, decided but not yet written: rcode, flags and RRsets by section."""

import math
from dataclasses import dataclass

from dnsregistry.answers.protocol import Ede, Rcode
from dnsregistry.zone.name import Name
from dnsregistry.zone.rrset import RRset

MOST_TEXT = 100
"""Octets of an extended error's text: a sentence, and a small part of any message."""


@dataclass(frozen=True, slots=True)
class ExtendedError:
    """Why an answer is what it is (RFC 8914): its code, a text for people, until when that holds.

    The text is ASCII.
    """

    code: Ede
    text: str = ""
    until: float = math.inf


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
    ede: ExtendedError | None = None


def refuse(code: Ede, text: str) -> Answer:
    """No data, no authority, no recursion."""
    return Answer(Rcode.REFUSED, ede=ExtendedError(code, text))


REFUSED = refuse(Ede.NOT_AUTHORITATIVE, "no name of this class is answered")
"""For classes that are not ours, and names in them."""
NO_TRANSFER = refuse(Ede.NOT_SUPPORTED, "zones are not transferred")
PROHIBITED = refuse(Ede.PROHIBITED, "this client may not ask")
"""For clients that may not ask."""
NO_ELSEWHERE = refuse(Ede.NOT_AUTHORITATIVE, "not a name of ours, and nobody else is asked")
"""For names that are not ours, where no upstream is named."""
NO_RECURSION = refuse(Ede.PROHIBITED, "not a name of ours; this client may not have others asked")
"""The same for clients that ALLOW_RECURSION leaves out."""
NOT_DESIRED = refuse(Ede.NOT_AUTHORITATIVE, "not a name of ours, and recursion was not asked for")
NOT_READY = Answer(
    Rcode.SERVFAIL, ede=ExtendedError(Ede.NOT_READY, "what this zone holds is not known yet")
)
"""For names that are ours and cannot be told now."""
