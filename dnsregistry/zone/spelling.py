"""How the owner names of a zone are written: on the wire for its memories, as text for people.

What all instances of a service share is remembered: in a deployment its next change comes soon.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from dnsregistry.registry.instance import Instance
from dnsregistry.zone.name import Name, write_text, write_wire
from dnsregistry.zone.owner import (
    NamedPorts,
    Owner,
    ServiceTypes,
    SubtypeBranch,
    own_owners,
    shared_owners,
)

MOST_SHARED = 2048
"""Services whose spelling is remembered: some 2 MiB, for the services of a large house."""
_UNANSWERED = (NamedPorts, SubtypeBranch, ServiceTypes)

Spelt = tuple[Owner, bytes]
"""An owner and its wire name in lower case, without the root octet."""


class Spelling:
    """Writes owners under one origin."""

    def __init__(self, origin: Name) -> None:
        self._wire = origin.to_wire()[:-1]
        self._text = str(origin).removesuffix(".")
        self._shared = lru_cache(MOST_SHARED)(self._spell_shared)

    def wires(self, instance: Instance) -> Iterator[Spelt]:
        """Every owner whose answers an instance takes part in."""
        shared, _ = self._shared(instance.service, instance.protocol)
        yield from shared
        for owner in own_owners(instance):
            yield owner, write_wire(owner.labels()) + self._wire

    def texts(self, instance: Instance) -> list[str]:
        """The names that answer with an instance, without the final dot."""
        _, shared = self._shared(instance.service, instance.protocol)
        return [*shared, *self._write(own_owners(instance))]

    def _spell_shared(self, service: str, protocol: str) -> tuple[Sequence[Spelt], Sequence[str]]:
        owners = shared_owners(service, protocol)
        wires = [(owner, write_wire(owner.labels()) + self._wire) for owner in owners]
        return wires, self._write(owners)

    def _write(self, owners: Sequence[Owner]) -> list[str]:
        return [
            f"{write_text(owner.labels())}.{self._text}"
            for owner in owners
            if not isinstance(owner, _UNANSWERED)
        ]
