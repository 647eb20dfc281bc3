"""Where JSON objects end in a stream of octets that nothing else divides.

Rules:
- Every octet is looked at once, however the stream is cut.
- Braces outside of strings are counted, nothing else: whether what they hold is JSON is told by
  whoever parses it.
"""

import re

_SPACE = b" \t\r\n"
_MARK = re.compile(rb'["{}]')
_MARK_IN_TEXT = re.compile(rb'["\\]')


class NotAnObject(ValueError):
    """What comes next in the stream begins no JSON object."""


class ObjectTooLong(ValueError):
    """An object has no end within the octets that it may have."""


class ObjectStream:
    """Takes octets in as they come, hands out whole objects of up to `limit` octets."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = bytearray()
        self._seen = 0
        self._depth = 0
        self._in_text = False

    @property
    def rest(self) -> bytes:
        """What came and is not yet a whole object, without space in front."""
        return bytes(self._rest)

    def feed(self, octets: bytes) -> None:
        """Take more in."""
        self._rest += octets

    def take(self) -> bytes | None:
        """The next whole object; None while there is none. Raises NotAnObject, ObjectTooLong."""
        if not self._depth:
            self._rest = self._rest.lstrip(_SPACE)
            if not self._rest:
                return None
            if not self._rest.startswith(b"{"):
                raise NotAnObject("no JSON object begins here")
        end = self._find_end()
        if (end or len(self._rest)) > self._limit:
            raise ObjectTooLong(f"the JSON object is longer than {self._limit} octets")
        if end is None:
            return None
        taken = bytes(self._rest[:end])
        del self._rest[:end]
        self._seen = 0
        return taken

    def _find_end(self) -> int | None:
        octets = self._rest
        while match := (_MARK_IN_TEXT if self._in_text else _MARK).search(octets, self._seen):
            mark = match[0]
            if mark == b"\\":
                if match.end() == len(octets):
                    # What it escapes is still to come; the backslash is looked at again then.
                    self._seen = match.start()
                    return None
                self._seen = match.end() + 1
                continue
            self._seen = match.end()
            if mark == b'"':
                self._in_text = not self._in_text
            else:
                self._depth += 1 if mark == b"{" else -1
                if not self._depth:
                    return self._seen
        self._seen = len(octets)
        return None
