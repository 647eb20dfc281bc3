"""Reading all that the store holds while others go on changing it. Pure."""

from collections.abc import Sequence

from dnsregistry.storage.cluster.replica import Snapshot, check_next
from dnsregistry.storage.cluster.wire import Change, Held, Note, Put, read_held


class Loading:
    """Begins at a revision of the log; pages come in any state after it, then the log's changes.

    A change counts only above the revision of the value that a page told. `past` are revisions and
    nonces of changes before the first, the oldest first.
    """

    def __init__(
        self, epoch: str, revision: int, nonce: str, past: Sequence[tuple[int, str]] = ()
    ) -> None:
        self._epoch = epoch
        self.revision = revision
        self._nonce = nonce
        self._past = [*past, (revision, nonce)]
        self._held: dict[str, Held] = {}
        self._deadlines: dict[str, int] = {}

    def take_value(self, key: bytes, value: bytes, deadline: int) -> None:
        """Take in a value of a page. Raises ForeignContent."""
        name = key.decode()
        self._held[name] = read_held(value)
        self._deadlines[name] = deadline

    def take_change(self, change: Change) -> None:
        """Take in the log's next change. Raises Hole where some are missing before it."""
        if change.revision <= self.revision:
            return
        check_next(change, self.revision, self._nonce)
        self.revision, self._nonce = change.revision, change.nonce
        self._past.append((change.revision, change.nonce))
        if isinstance(change, Note):
            return
        held = self._held.get(change.key)
        if held is not None and held.revision >= change.revision:
            return
        if isinstance(change, Put):
            self._held[change.key] = change.held
            if change.deadline >= 0:
                self._deadlines[change.key] = change.deadline
        else:
            self._held.pop(change.key, None)
            self._deadlines.pop(change.key, None)

    def finish(self) -> Snapshot:
        """What the store holds at the revision of the last change taken in."""
        return Snapshot(
            self._epoch, self.revision, self._nonce, self._held, self._deadlines, self._past
        )
