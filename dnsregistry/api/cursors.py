"""Cursors: where a list goes on, as text that only this list takes.

A cursor holds the place in the order, and by a digest what the list was asked for. A place by name
holds for ever; one in the order of registration holds for one run, which has given out the numbers.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

from dnsregistry.api.problems import INVALID_QUERY, Fault, Problem, clip

_DIGEST = 6
_PLACE = re.compile(rb"[!-~]{1,200}")
_NUMBER = re.compile(r"([0-9a-z]+)/([0-9a-f]{1,16})")


@dataclass(frozen=True, slots=True)
class Scope:
    """One list: its path, what it was asked for, and the run whose numbers it may go by."""

    digest: bytes
    run: str

    def write(self, place: str) -> str:
        """The cursor of a place, which is printable ASCII."""
        return base64.urlsafe_b64encode(self.digest + place.encode()).decode().rstrip("=")

    def read(self, text: str | None) -> str | None:
        """The place, None for the start. Raises Problem."""
        if text is None:
            return None
        try:
            octets = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            octets = b""
        digest, place = octets[:_DIGEST], octets[_DIGEST:]
        if not _PLACE.fullmatch(place):
            raise refuse_cursor(f"{clip(text)!r} is no cursor")
        if digest != self.digest:
            raise refuse_cursor("is of another list: other filters, or another sort")
        return place.decode()

    def write_number(self, number: int | None) -> str | None:
        """The cursor of a place among the run's numbers."""
        return None if number is None else self.write(f"{self.run}/{number:x}")

    def read_number(self, text: str | None) -> int | None:
        """The inverse of `write_number`. Raises Problem."""
        place = self.read(text)
        if place is None:
            return None
        match = _NUMBER.fullmatch(place)
        if match is None:
            raise refuse_cursor("is no cursor")
        if match[1] != self.run:
            raise refuse_cursor(
                "is of another run or node, which numbers registrations by itself; begin anew"
                " without it, or sort by id or service"
            )
        return int(match[2], 16)


def make_scope(path: str, asked: Mapping[str, str], sort: object, run: str) -> Scope:
    """The scope of a list. Its limit is not asked for: it may differ from page to page."""
    given = sorted((name, text) for name, text in asked.items() if name not in _NOT_ASKED)
    text = repr((1, path, given, str(sort)))
    return Scope(blake2b(text.encode(errors="replace"), digest_size=_DIGEST).digest(), run)


def refuse_cursor(reason: str) -> Problem:
    """What a client is told whose cursor cannot be followed."""
    return Problem(INVALID_QUERY, faults=[Fault("cursor", reason)])


_NOT_ASKED = frozenset({"cursor", "limit", "sort", "wait", "since"})
"""They say how a page is read, and not what is on the list; the sort is told apart."""
