"""An entry: what is told of a lease to a place outside of this process, and back."""

from dataclasses import dataclass

from dnsregistry.registry.instance import Instance


@dataclass(frozen=True, slots=True)
class Entry:
    """An instance as it is held; the numbers and the time are those of its `Lease`."""

    instance: Instance
    sequence: int
    revision: int
    granted_at: float
