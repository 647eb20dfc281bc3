"""The entries of a master file (RFC 1035, 5.1): lines, joined where parentheses span them.

Each entry is read for itself, so that one fault does not hide the next one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_MARK = re.compile(r'\\.|["();]')


@dataclass(frozen=True, slots=True)
class Entry:
    """The text from the first line of an entry to its last, or the reason why it has no end."""

    line: int
    text: str
    fault: str | None = None


def split_entries(text: str) -> Iterator[Entry]:
    """Yield the entries in a text whose lines end in line feeds; lines without any are left out."""
    lines: list[str] = []
    start = depth = 0
    for number, line in enumerate(text.split("\n"), 1):
        if not lines:
            if not line or line.isspace() or line.startswith(";"):
                continue
            start = number
        try:
            depth = _depth_after(line, depth)
        except ValueError as error:
            yield Entry(number, "", str(error))
            lines, depth = [], 0
            continue
        lines.append(line)
        if depth == 0:
            yield Entry(start, "\n".join(lines))
            lines = []
    if lines:
        yield Entry(start, "", "a parenthesis is opened and never closed")


def _depth_after(line: str, depth: int) -> int:
    """How many parentheses are open after a line. Raises ValueError for an open quote."""
    quoted = False
    for match in _MARK.finditer(line):
        mark = match[0]
        if mark == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif mark == ";":
            break
        elif mark == "(":
            depth += 1
        elif mark == ")":
            depth -= 1
            if depth < 0:
                raise ValueError("a parenthesis is closed and was never opened")
    if quoted:
        raise ValueError("a quoted string does not end on its line")
    return depth
