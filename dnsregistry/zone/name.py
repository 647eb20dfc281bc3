"""Domain names as values (RFC 1034, 3.1), in lower case (RFC 4343)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_ESCAPED = re.compile(rb"\\(?:(\d{3})|(\D))|([^.\\])|(\.)", re.DOTALL)
_SPECIAL = frozenset(b'".;\\@$()')
_PLAIN = re.compile(rb'[^\x00-\x20".;\\@$()\x7f-\xff]*\Z')
_ORDINARY = re.compile(r"[a-z0-9_.-]+\Z")
_LENGTHS = tuple(bytes((length,)) for length in range(64))


@dataclass(frozen=True, slots=True)
class Name:
    """An absolute name: its labels from the left, each 1 to 63 octets, without the root's."""

    labels: tuple[bytes, ...]

    @classmethod
    def from_text(cls, text: str) -> Name:
        """Read presentation format (RFC 1035, 5.1), with or without the final dot.

        Raises ValueError for an empty or long label, a long name, or a broken escape.
        """
        if text in ("", "."):
            return cls(())
        labels: list[bytes] = []
        label = bytearray()
        octets = text.encode()
        position = 0
        dot = None
        while position < len(octets):
            match = _ESCAPED.match(octets, position)
            if match is None:
                raise ValueError(f"{text!r} has a broken escape")
            number, quoted, plain, dot = match.groups()
            if dot:
                labels.append(bytes(label))
                label.clear()
            elif number:
                if int(number) > 255:
                    raise ValueError(f"{text!r} has an escape above 255")
                label.append(int(number))
            else:
                label += quoted or plain
            position = match.end()
        if not dot:
            labels.append(bytes(label))
        name = cls(tuple(label.lower() for label in labels))
        name._check(text)
        return name

    @classmethod
    def from_wire(cls, wire: bytes) -> Name:
        """Read an uncompressed wire name that is known to be well-formed, root octet included."""
        wire = wire.lower()
        labels: list[bytes] = []
        position = 0
        while length := wire[position]:
            labels.append(wire[position + 1 : position + 1 + length])
            position += 1 + length
        return cls(tuple(labels))

    def to_wire(self) -> bytes:
        """Return the uncompressed wire form, root octet included."""
        return b"".join([_LENGTHS[len(label)] + label for label in self.labels]) + b"\0"

    def relative_to(self, origin: Name) -> tuple[bytes, ...] | None:
        """The labels in front of the origin; None where this name is not under it."""
        count = len(self.labels) - len(origin.labels)
        if count < 0 or self.labels[count:] != origin.labels:
            return None
        return self.labels[:count]

    def prepend(self, *labels: str) -> Name:
        """Return the name with ASCII labels put in front."""
        return Name((*[label.encode("ascii") for label in labels], *self.labels))

    def __str__(self) -> str:
        """Write presentation format, absolute, with escapes where they are needed."""
        return "".join(f"{_write_label(label)}." for label in self.labels) or "."

    def _check(self, text: str) -> None:
        for label in self.labels:
            if not 1 <= len(label) <= 63:
                raise ValueError(f"{text!r} has a label of {len(label)} octets, not 1 to 63")
        if sum(len(label) + 1 for label in self.labels) + 1 > 255:
            raise ValueError(f"{text!r} is longer than 255 octets")


def write_wire(labels: Iterable[str]) -> bytes:
    """Write ASCII labels in wire form, to stand in front of an origin."""
    return "".join([chr(len(label)) + label for label in labels]).encode("ascii")


def write_text(labels: Sequence[str]) -> str:
    """Write ASCII labels in presentation format, without a final dot."""
    text = ".".join(labels)
    if text.count(".") == len(labels) - 1 and _ORDINARY.match(text):
        return text
    return ".".join([_write_label(label.encode("ascii")) for label in labels])


def _write_label(label: bytes) -> str:
    if _PLAIN.match(label):
        return label.decode("ascii")
    return "".join(
        f"\\{chr(octet)}"
        if octet in _SPECIAL
        else chr(octet)
        if 0x21 <= octet <= 0x7E
        else f"\\{octet:03d}"
        for octet in label
    )
