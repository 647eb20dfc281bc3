"""Names in a message whose sender is not trusted: read once, and never followed in circles."""

from bisect import bisect_right

from dnsregistry.answers.protocol import HEADER_OCTETS
from dnsregistry.answers.query import NAME_OCTETS

MOST_POINTERS = 127
"""In one name: as many as the longest name has labels. Some stubs follow them by recursion."""

_LABEL_TYPES, _POINTER = 0x40, 0xC0
_ONE_POINTER = 1 << 16


class UnreadableReply(Exception):
    """A reply is no message as the rules want it."""


class Names:
    """Reads names, and remembers how long each one is from each of its labels and pointers on.

    A length is octets, and pointers in the bits above them.
    """

    def __init__(self, message: bytes) -> None:
        self._message = message
        self._lengths: dict[int, int] = {}
        # What was read behind a pointer, and by no name in its own place before.
        self._reached: list[tuple[int, int]] = []

    def read(self, position: int) -> int:
        """Return where the name that begins here ends. Raises UnreadableReply."""
        message = self._message
        path: list[tuple[int, int]] = []
        begin, end, rest = position, 0, 0
        while not rest:
            if position >= len(message):
                raise UnreadableReply
            octet = message[position]
            if end:
                size = 2 if octet >= _POINTER else 1 + octet
                self._reached.append((position, position + size))
            if octet == 0:
                rest, end = 1, end or position + 1
            elif octet < _LABEL_TYPES:
                path.append((position, octet + 1))
                position += octet + 1
            elif octet >= _POINTER and position + 1 < len(message):
                path.append((position, _ONE_POINTER))
                end = end or position + 2
                position = (octet & 0x3F) << 8 | message[position + 1]
                if not HEADER_OCTETS <= position < begin:
                    raise UnreadableReply
                begin = position
                rest = self._lengths.get(position, 0)
            else:
                raise UnreadableReply
        return self._remember(path, rest, end)

    def pass_through(self, spans: list[tuple[int, int]]) -> bool:
        """Whether a name goes through one of the spans, which are sorted and apart."""
        ends = [end for _, end in spans]
        for begin, end in self._reached:
            at = bisect_right(ends, begin)
            if at < len(spans) and spans[at][0] < end:
                return True
        return False

    def _remember(self, path: list[tuple[int, int]], rest: int, end: int) -> int:
        for place, length in reversed(path):
            rest += length
            self._lengths[place] = rest
        if rest % _ONE_POINTER > NAME_OCTETS or rest // _ONE_POINTER > MOST_POINTERS:
            raise UnreadableReply
        return end
