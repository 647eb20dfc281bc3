"""What a sieve hears while a name's answer is made: who was there, who is left, and what for.

The ordinary answer is made with one that hears nothing. Whoever explains an answer has it made
once more with a `Trace`: by the same code, so that both cannot differ.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import Enum

from dnsregistry.registry.instance import Instance
from dnsregistry.registry.lease import Lease
from dnsregistry.zone.rdata import Rdata


class Cause(Enum):
    """Why some leases are left out at a step."""

    EXPIRED = "expired"
    SERVICE = "service"
    PROTOCOL = "protocol"
    LABEL = "label"
    PORT = "port"
    STATUS = "status"


Alone = Callable[[Lease, int], tuple[Rdata, ...]]
"""The data of a type that a lease would have at the name if it were the only one shown."""


class Sieve:
    """Hears nothing."""

    def begin(self, leases: Collection[Lease]) -> None:
        """These may be behind the name."""

    def keep(self, leases: Collection[Lease], cause: Cause, wanted: str = "") -> None:
        """These are left; `wanted` is the text that the others lack."""

    def show(self, leases: Collection[Lease], alone: Alone, *, in_place_of_none: bool) -> None:
        """Of these the answer is made. `in_place_of_none`: for want of better ones."""


SILENT = Sieve()


@dataclass(frozen=True, slots=True)
class Candidate:
    """An instance as it was when the answer was made, and its lease."""

    lease: Lease
    instance: Instance
    deadline: float


@dataclass(frozen=True, slots=True)
class Step:
    """Who was left after a step, by the identity of their leases."""

    cause: Cause
    wanted: str
    left: frozenset[int]


@dataclass(slots=True)
class Trace(Sieve):
    """Remembers all steps."""

    candidates: list[Candidate] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    shown: frozenset[int] = frozenset()
    alone: Alone | None = None
    in_place_of_none: bool = False

    def begin(self, leases: Collection[Lease]) -> None:
        """These may be behind the name."""
        self.candidates = [Candidate(x, x.instance, x.deadline) for x in leases]

    def keep(self, leases: Collection[Lease], cause: Cause, wanted: str = "") -> None:
        """These are left."""
        self.steps.append(Step(cause, wanted, _identify(leases)))

    def show(self, leases: Collection[Lease], alone: Alone, *, in_place_of_none: bool) -> None:
        """Of these the answer is made."""
        self.shown, self.alone = _identify(leases), alone
        self.in_place_of_none = in_place_of_none

    def lost_at(self, candidate: Candidate) -> Step | None:
        """The step at which a candidate was left out; None where the answer is made of it."""
        identity = id(candidate.lease)
        if identity in self.shown:
            return None
        return next((step for step in self.steps if identity not in step.left), None)


def _identify(leases: Collection[Lease]) -> frozenset[int]:
    return frozenset(map(id, leases))
