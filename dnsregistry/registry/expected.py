"""What is expected to be held of an instance when a change of it is decided.

Whoever decides a change asks here at that moment, so of two that expect the same one is made.
"""

from dataclasses import dataclass

from dnsregistry.registry.errors import RevisionDiffers


@dataclass(frozen=True, slots=True)
class Expected:
    """The revision that an instance must have, which is one of several.

    Without any, `present` says whether it must be held at all or must not be.
    """

    revisions: frozenset[int] = frozenset()
    present: bool = True

    def check(self, instance_id: str, held: int | None) -> None:
        """Raise RevisionDiffers unless this is met. `held` is the revision, None of no live one."""
        if not self.is_met(held):
            raise RevisionDiffers(instance_id, held)

    def is_met(self, held: int | None) -> bool:
        """Whether an instance of this revision, None where none is live, is as expected."""
        if held is None or not self.present:
            return held is None and not self.present
        return not self.revisions or held in self.revisions


ANY = Expected()
"""It must be held, in whatever revision."""
ABSENT = Expected(present=False)
"""None of its id may be held."""
