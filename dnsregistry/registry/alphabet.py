"""Names in alphabetical order, to be read a page at a time.

They are kept in blocks: to put one into a single list moves all that come after it, and among half
a million that takes longer than all else a registration does.
"""

from bisect import bisect_left, bisect_right, insort

BLOCK = 1024
"""Names a block at most; one that is full becomes two."""


class Alphabet:
    """Different names in the order of their code points."""

    def __init__(self) -> None:
        self._blocks: list[list[str]] = [[]]
        self._firsts: list[str] = [""]
        """No name in a block comes before its entry here, and none after the next one does."""
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def add(self, name: str) -> None:
        """Put in a name that is not in."""
        at = self._find(name)
        block = self._blocks[at]
        insort(block, name)
        self._length += 1
        if len(block) > BLOCK:
            upper = block[BLOCK // 2 :]
            del block[BLOCK // 2 :]
            self._blocks.insert(at + 1, upper)
            self._firsts.insert(at + 1, upper[0])

    def remove(self, name: str) -> None:
        """Take out a name that is in."""
        at = self._find(name)
        block = self._blocks[at]
        del block[bisect_left(block, name)]
        self._length -= 1
        if not block and at:
            del self._blocks[at], self._firsts[at]

    def after(self, name: str, most: int) -> list[str]:
        """Up to `most` names, from above one."""
        at = self._find(name)
        start = bisect_right(self._blocks[at], name)
        page = self._blocks[at][start : start + most]
        while len(page) < most and (at := at + 1) < len(self._blocks):
            page += self._blocks[at][: most - len(page)]
        return page

    def before(self, name: str | None, most: int) -> list[str]:
        """Up to `most` names, from below one, or from the last, in falling order."""
        at = len(self._blocks) - 1 if name is None else self._find(name)
        block = self._blocks[at]
        stop = len(block) if name is None else bisect_left(block, name)
        page = block[max(0, stop - most) : stop][::-1]
        while len(page) < most and at:
            at -= 1
            block = self._blocks[at]
            page += block[max(0, len(block) - most + len(page)) :][::-1]
        return page

    def _find(self, name: str) -> int:
        """The block in which a name is or would be."""
        return bisect_right(self._firsts, name) - 1
