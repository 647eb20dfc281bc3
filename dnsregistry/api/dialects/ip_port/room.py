"""How many instances a service may have, kept also while several register at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from dnsregistry.registry.catalogue import Catalogue
from dnsregistry.registry.errors import InvalidField


class Room:
    """At most so many live instances a service.

    A registration that waits for the store has its place kept until it is through: the
    catalogue alone does not show it yet.
    """

    def __init__(self, catalogue: Catalogue, most: int) -> None:
        self._catalogue = catalogue
        self._most = most
        self._coming: dict[str, dict[str, int]] = {}

    @contextmanager
    def take(self, service: str, instance_id: str, now: float) -> Iterator[None]:
        """Have a place for an instance meanwhile. Raises InvalidField where none is left."""
        coming = self._coming.setdefault(service, {})
        coming[instance_id] = coming.get(instance_id, 0) + 1
        try:
            if self._is_full(service, instance_id, now):
                raise InvalidField(
                    "name",
                    f"{service!r} has reached the maximum of {self._most} instances per service",
                )
            yield
        finally:
            coming[instance_id] -= 1
            if not coming[instance_id]:
                del coming[instance_id]
            if not coming:
                self._coming.pop(service, None)

    def _is_full(self, service: str, instance_id: str, now: float) -> bool:
        held = self._catalogue.find(instance_id)
        if held is not None and held.is_live(now):
            return False
        coming = self._coming[service]
        taken = len(coming) - 1
        for lease in self._catalogue.of_service(service):
            if taken >= self._most:
                break
            taken += lease.is_live(now) and lease.instance.id not in coming
        return taken >= self._most
