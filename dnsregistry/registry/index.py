"""One way into the catalogue: a key to the leases that have it, in the order they came."""

from collections.abc import Collection, Hashable
from typing import Generic, TypeVar

from dnsregistry.registry.lease import Lease

K = TypeVar("K", bound=Hashable)


class Index(Generic[K]):
    """Add, discard and look up in O(1)."""

    def __init__(self) -> None:
        self._leases: dict[K, dict[Lease, None]] = {}

    def add(self, key: K, lease: Lease) -> None:
        """File the lease under the key, at the end."""
        self._leases.setdefault(key, {})[lease] = None

    def discard(self, key: K, lease: Lease) -> None:
        """Take the lease from under the key; a key with no lease left is gone."""
        filed = self._leases[key]
        del filed[lease]
        if not filed:
            del self._leases[key]

    def get(self, key: K) -> Collection[Lease]:
        """The leases under the key; empty where there is none."""
        return self._leases.get(key, {}).keys()

    def __contains__(self, key: K) -> bool:
        return key in self._leases

    def __len__(self) -> int:
        return len(self._leases)
