"""Which node makes which checks: rendezvous hashing over the nodes that live. Pure.

A node that goes takes no check with it but its own, and one that comes takes an even share of all
others' and moves none between them.
"""

from collections.abc import Iterable
from hashlib import blake2b


class Placement:
    """Where checks are made, as one node sees it; alone, it makes them all."""

    def __init__(self, node: str = "") -> None:
        self._node = node
        self._nodes: tuple[str, ...] = (node,)

    def replace(self, nodes: Iterable[str], node: str | None = None) -> bool:
        """Take note of the nodes that live; whether they are others than before.

        This one lives, whatever is said; `node` is its name, where that has come to be known.
        """
        self._node = self._node if node is None else node
        nodes = tuple(sorted({self._node, *nodes}))
        changed = nodes != self._nodes
        self._nodes = nodes
        return changed

    def owns(self, check_key: str) -> bool:
        """Whether the checks of this key are made here."""
        return len(self._nodes) == 1 or self.owner_of(check_key) == self._node

    def owner_of(self, check_key: str) -> str:
        """The node that makes the checks of this key."""
        return max(self._nodes, key=lambda node: (_weigh(node, check_key), node))


def _weigh(node: str, check_key: str) -> bytes:
    return blake2b(f"{node}\0{check_key}".encode(errors="surrogatepass"), digest_size=8).digest()
