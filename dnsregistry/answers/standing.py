"""How we stand to a client: what of an answer depends on who asks."""

from dataclasses import dataclass

from dnsregistry.answers.ratelimit import Bucket


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a client may ask, and has others' names asked for; and what its answers count on.

    `peer` is its address, packed. `bucket` is None for whoever is not limited.
    """

    peer: bytes
    allowed: bool
    recursion: bool
    bucket: Bucket | None
