"""Values by service name, with wildcards: `user-service`, `user-*`, `*`."""

from collections.abc import Mapping
from typing import Generic, TypeVar

V = TypeVar("V")


class Patterns(Generic[V]):
    """The exact name wins, then the pattern with the longest text before its star."""

    def __init__(self, values: Mapping[str, V]) -> None:
        self._exact = {name: value for name, value in values.items() if not name.endswith("*")}
        prefixes = ((name[:-1], value) for name, value in values.items() if name.endswith("*"))
        self._prefixes = sorted(prefixes, key=lambda item: -len(item[0]))

    def find(self, service: str) -> V | None:
        """The value for a service, by its name in lower case; None where nothing matches."""
        if service in self._exact:
            return self._exact[service]
        for prefix, value in self._prefixes:
            if service.startswith(prefix):
                return value
        return None
