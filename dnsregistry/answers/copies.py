"""A copy of what the table holds for one question, for a replica of it in another process."""

from dataclasses import dataclass

from dnsregistry.answers.variants import Parts


@dataclass(frozen=True, slots=True)
class Copy:
    """An entry with its place.

    `spelling` is how the question spells its `form`. The entry is under `name` and `key`; an
    empty key means that the name is surely not there, and that nothing is held under it. With
    `denies`, the entry is that of the names under `origin`, a wire name, which end at `end`.
    """

    spelling: bytes
    form: bytes
    name: bytes
    key: bytes
    origin: bytes
    end: int
    until: float
    head: bytes
    prefix: int
    parts: Parts
    rtype: int
    rcode: int
    is_general: bool
    denies: bool
