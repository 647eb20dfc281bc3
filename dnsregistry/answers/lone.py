"""What the table of finished replies has to know of the zones."""

from collections.abc import Callable
from typing import Protocol

from dnsregistry.zone.name import Name


class Lone(Protocol):
    """A zone that no other lies over or under."""

    @property
    def origin(self) -> Name:
        """Its name."""
        ...

    @property
    def lacks(self) -> Callable[[bytes], bool]:
        """Whether it surely has no such wire name, in lower case and without its root."""
        ...


class Zones(Protocol):
    """What the table has to know of the zones."""

    def alone(self) -> Lone | None:
        """The live zone, unless another zone lies over it or under it."""
        ...

    def watch(self, watcher: Callable[[], None]) -> None:
        """Call this whenever that may have changed."""
        ...
