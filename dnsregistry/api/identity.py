"""Ids that the registry makes up for instances that come without one."""

from collections.abc import Callable, Collection

from dnsregistry.api.context import Api
from dnsregistry.registry.names import host_label

MOST_TRIES = 100
"""An id is random; that many taken in a row mean a broken source and not bad luck."""


def choose_id(api: Api, taken: Collection[str] = (), make: Callable[[], str] | None = None) -> str:
    """An id whose host label no instance has or is promised, nor is among those `taken`.

    `make` makes up ids of another form.
    """
    make = make or api.new_id
    for _ in range(MOST_TRIES):
        instance_id = make()
        label = host_label(instance_id)
        if label not in taken and not api.registry.is_taken(label):
            return instance_id
    raise RuntimeError(f"{MOST_TRIES} new ids in a row were taken")
