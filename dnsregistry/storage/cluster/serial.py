"""The SOA serial of a cluster: the replica's revision above a base that the store keeps."""

from collections.abc import Callable

from dnsregistry.storage.cluster.replica import Replica

_MODULUS = 1 << 32


class ClusterSerial:
    """`base` is set whenever a node has joined; one who is led is told each serial."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._lead: Callable[[int], None] = lambda serial: None
        self.base = 0

    def now(self) -> int:
        """The serial as of the replica's revision."""
        return (self.base + self._replica.revision) % _MODULUS or 1

    def lead(self, lead: Callable[[int], None]) -> None:
        """Have this told the serial: at once where it is known, and with each change."""
        self._lead = lead
        if self._replica.is_loaded:
            self.tell()

    def tell(self) -> None:
        """Tell the serial."""
        self._lead(self.now())
