"""What the forwarder would do with a question: a look that asks nobody and changes nothing."""

from dataclasses import dataclass
from enum import StrEnum


class Prospect(StrEnum):
    """What would come of it."""

    # Kept, and answered at once.
    CACHED = "cached"
    # Kept beyond its time: answered where asking fails or takes long.
    STALE = "stale"
    # Nothing is kept: upstreams are asked.
    ASKED = "asked"
    # It failed a moment ago, and is answered with that.
    FAILED = "failed"
    # Nobody is named for such a question.
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outlook:
    """The prospect, the upstreams for the name, and the reply as it would be written from the
    cache; empty where nothing is kept.
    """

    prospect: Prospect
    upstreams: tuple[str, ...] = ()
    reply: bytes = b""
