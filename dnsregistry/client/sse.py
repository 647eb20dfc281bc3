"""Server-Sent Events, taken apart. Pure: octets in, messages out (WHATWG HTML, 9.2.6)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MOST_MESSAGE = 4 * 1024 * 1024
"""Octets of one event: four times the largest registration."""

# A carriage return at the very end may be half of an end of line.
_LINE_END = re.compile(rb"\r\n|\n|\r(?!\Z)")


@dataclass(frozen=True, slots=True)
class Message:
    """One event as it came. `id` is the last that was told, None where none was."""

    event: str
    data: str
    id: str | None


class TooLong(ValueError):
    """An event is longer than any of a registry."""


class MessageStream:
    """Cuts a stream of octets into messages; comments and empty events are dropped.

    `retry` is the wait before a new connection that the server asks for, in seconds; `id` the last
    that was told, with an event or alone.
    """

    def __init__(self) -> None:
        self.retry: float | None = None
        self.id: str | None = None
        self._rest = bytearray()
        self._size = 0
        self._event = ""
        self._data: list[str] = []
        self._id: str | None = None

    def feed(self, octets: bytes) -> Iterator[Message]:
        """The messages that end within these octets. Raises TooLong."""
        ends = b"\n" in octets or b"\r" in octets or self._rest.endswith(b"\r")
        self._rest += octets
        if ends:
            # Only then: looking through a line that grows and grows would cost its square.
            *lines, rest = _LINE_END.split(self._rest)
            self._rest = bytearray(rest)
            for line in lines:
                message = self._take(line.decode(errors="replace"))
                if message is not None:
                    yield message
        if len(self._rest) + self._size > MOST_MESSAGE:
            raise TooLong(f"an event of more than {MOST_MESSAGE} octets")

    def _take(self, line: str) -> Message | None:
        if not line:
            return self._end()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
            self._size += len(value)
            if self._size > MOST_MESSAGE:
                raise TooLong(f"an event of more than {MOST_MESSAGE} octets")
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry = int(value[:9]) / 1000
        return None

    def _end(self) -> Message | None:
        message = None
        self.id = self._id
        if self._data:
            message = Message(self._event or "message", "\n".join(self._data), self._id)
        self._event, self._data, self._size = "", [], 0
        return message
