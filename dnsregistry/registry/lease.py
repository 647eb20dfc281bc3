"""A lease: an instance's right to be answered, until its deadline."""

import math

from dnsregistry.registry.instance import Instance


class Lease:
    """The registry's own mutable record of one instance; others read it and keep no copy.

    `sequence` is the place in the order of first registration and `revision` that of the
    last change; `granted_at`, `renewed_at` and `deadline` are times on the registry's clock,
    the deadline infinite for a lease without end. `slot` belongs to `Deadlines`.
    """

    __slots__ = ("deadline", "granted_at", "instance", "renewed_at", "revision", "sequence", "slot")

    def __init__(self, instance: Instance, sequence: int, revision: int, now: float) -> None:
        self.instance = instance
        self.sequence = sequence
        self.revision = revision
        self.granted_at = now
        self.slot: int | None = None
        self.renew(now)

    def renew(self, now: float) -> None:
        """Move the deadline one ttl from now."""
        ttl = self.instance.ttl
        self.renewed_at = now
        self.deadline = math.inf if ttl is None else now + ttl

    def is_live(self, now: float) -> bool:
        """Whether the instance may still be answered. False from the deadline on."""
        return now < self.deadline

    def is_answered(self, now: float) -> bool:
        """Whether the instance belongs in its service's answers now."""
        return now < self.deadline and self.instance.is_serving


class HeldLease(Lease):
    """A lease whose end is told by whoever decides it: until then it is live.

    Its deadline is what is known of it here, and may be behind the truth.
    """

    __slots__ = ()

    def is_live(self, now: float) -> bool:
        """Always: it would be gone else."""
        return True

    def is_answered(self, now: float) -> bool:
        """Whether the instance belongs in its service's answers."""
        return self.instance.is_serving
