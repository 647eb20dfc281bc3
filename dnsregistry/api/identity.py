"""Ids that the registry makes up for instances that come without one."""

from collections.abc import Callable

from dnsregistry.api.context import Api
from dnsregistry.registry.names import host_label

MOST_TRIES = 100
"""An id is random; that many taken in a row mean a broken source and not bad luck."""


def choose_id(api: Api, make: Callable[[], str] | None = None) -> str:
    """An id whose host label no instance has or is promised.

    `make` makes up ids of another form.
    """
    make = make or api.new_id
    for _ in range(MOST_TRIES):
        instance_id = make()
        if not api.registry.is_taken(host_label(instance_id)):
            return instance_id
    raise RuntimeError(f"{MOST_TRIES} new ids in a row were taken")
