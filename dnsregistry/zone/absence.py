"""Which names the live zone surely lacks, told from a few look-ups: cheap under a flood of them.

Rules:
- Whoever is told "absent" needs no lookup: none would find a node (`owner.read`, `NodeMaker`).
- Nothing is said of a name that could have a node, nor of leases past their deadline; nor of a
  service that was there a short while ago, of which there is more to tell than its absence.
"""

from collections.abc import Container, Sequence
from typing import Protocol

from dnsregistry.zone.name import Name
from dnsregistry.zone.owner import CAPABILITIES, HOSTS, PROTOCOL_LABELS, STANDING_LABELS

_DNS_SD = "_dns-sd"
_LABEL_OCTETS = 63


class Presence(Protocol):
    """What there is, as far as is known: what may be there is taken for it."""

    def has_service(self, service: str, /) -> bool:
        """Whether there is a service of this name."""
        ...

    def find_host(self, label: str, /) -> object:
        """Something where an instance has this host label, else None."""
        ...

    def labelled(self, service: str, label: str, /) -> object:
        """Something true where an instance of the service has this tag or capability."""
        ...

    def capable(self, capability: str, /) -> object:
        """Something true where an instance has this capability."""
        ...


class Absence:
    """Looks names under one origin up."""

    def __init__(
        self, catalogue: Presence, origin: Name, departed: Container[str] = frozenset()
    ) -> None:
        self._catalogue = catalogue
        self._departed = departed
        self._has_service = catalogue.has_service
        self._ending = origin.to_wire()[:-1]

    def covers(self, name: bytes) -> bool:
        """Whether there is surely no such name, in wire form, lower case, without its root."""
        if not name.endswith(self._ending):
            return False
        end = len(name) - len(self._ending)
        # What is no ASCII is the spelling of nothing, whichever letters it reads as.
        if 0 < end <= 1 + _LABEL_OCTETS and name[0] + 1 == end:
            label = name[1:end].decode("latin-1")
            return (
                label not in STANDING_LABELS
                and not self._has_service(label)
                and label not in self._departed
            )
        labels: list[str] = []
        position = 0
        while position < end:
            length = name[position]
            if length > _LABEL_OCTETS:
                return False
            start = position + 1
            position = start + length
            labels.append(name[start:position].decode("latin-1"))
        if position != end or not labels:
            return False
        last = labels[-1]
        if last in STANDING_LABELS:
            return self._lacks_below(labels, last)
        if not self._has_service(last):
            return True
        if len(labels) == 2 and labels[0] not in PROTOCOL_LABELS:
            return not self._catalogue.labelled(last, labels[0])
        return False

    def _lacks_below(self, labels: Sequence[str], last: str) -> bool:
        if len(labels) == 1:
            return False
        label = labels[-2]
        if last in PROTOCOL_LABELS:
            if label == _DNS_SD:
                return False
            if label.startswith("_"):
                is_departed = len(labels) == 2 and label[1:] in self._departed
                return not is_departed and not self._has_service(label[1:])
            return True
        if len(labels) == 2 and last == HOSTS:
            return self._catalogue.find_host(label) is None
        if len(labels) == 2 and last == CAPABILITIES and label not in PROTOCOL_LABELS:
            return not self._catalogue.capable(label)
        return False
