"""What goes wrong with a store: at the start, and while it runs."""

from dnsregistry.registry.errors import RegistryError


class StoreError(Exception):
    """The store cannot be used; the text is one sentence that names it."""


class StoreAway(RegistryError):
    """The store takes no change at the moment. Nothing was changed."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the store takes no change at the moment: {reason}")
        self.reason = reason
