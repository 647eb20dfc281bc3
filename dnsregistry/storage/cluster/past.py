"""What a node remembers of the log: which change had which revision, by the nonce of each."""

from collections import OrderedDict
from collections.abc import Iterable

KEPT = 65_536
"""Changes remembered: a minute at a thousand a second, far more than a failover can lose."""


class Past:
    """The newest changes that were applied. A revision with another nonce is another change."""

    def __init__(self) -> None:
        self._nonces: OrderedDict[int, str] = OrderedDict()

    def begin(self, changes: Iterable[tuple[int, str]]) -> None:
        """Forget all, and begin with these, the oldest first."""
        self._nonces.clear()
        for revision, nonce in changes:
            self.add(revision, nonce)

    def add(self, revision: int, nonce: str) -> None:
        """Remember a change that is above all before."""
        self._nonces[revision] = nonce
        if len(self._nonces) > KEPT:
            self._nonces.popitem(last=False)

    def nonce(self) -> str:
        """The nonce of the newest; a hyphen where there is none."""
        return next(reversed(self._nonces.values())) if self._nonces else "-"

    def oldest(self) -> int:
        """The oldest revision remembered; 0 where there is none."""
        return next(iter(self._nonces), 0)

    def knows_any(self, entries: Iterable[tuple[int, str]]) -> bool:
        """Whether any of these revisions with these nonces is among them."""
        return any(self._nonces.get(revision) == nonce for revision, nonce in entries)

    def find_common(self, entries: Iterable[tuple[int, str]]) -> int | None:
        """The last revision that a log shares with this past; None where none is known to be.

        `entries` are revisions and nonces of the log from its newest to the oldest remembered here.
        """
        for revision, nonce in entries:
            if self._nonces.get(revision) == nonce:
                return revision
        return None
