"""One way into the catalogue: a key to the leases that have it, in the order they came.

Most keys, such as an endpoint, have one lease. It is held as it is; the dict that keeps several
in order would take three times what the lease itself does.
"""

from collections.abc import Collection, Hashable
from typing import Generic, TypeVar

from dnsregistry.registry.lease import Lease

K = TypeVar("K", bound=Hashable)


class Index(Generic[K]):
    """Add, discard and look up in O(1)."""

    def __init__(self) -> None:
        self._leases: dict[K, Lease | dict[Lease, None]] = {}

    def add(self, key: K, lease: Lease) -> None:
        """File the lease under the key, at the end."""
        filed = self._leases.setdefault(key, lease)
        if filed is lease:
            return
        if isinstance(filed, Lease):
            filed = self._leases[key] = {filed: None}
        filed[lease] = None

    def discard(self, key: K, lease: Lease) -> None:
        """Take the lease from under the key; a key with no lease left is gone."""
        filed = self._leases[key]
        if filed is lease:
            del self._leases[key]
            return
        if isinstance(filed, Lease):
            raise KeyError(lease)
        del filed[lease]
        if len(filed) == 1:
            [self._leases[key]] = filed

    def get(self, key: K) -> Collection[Lease]:
        """The leases under the key; empty where there is none."""
        filed = self._leases.get(key)
        if filed is None:
            return ()
        return (filed,) if isinstance(filed, Lease) else filed.keys()

    def __contains__(self, key: K) -> bool:
        return key in self._leases

    def __len__(self) -> int:
        return len(self._leases)
