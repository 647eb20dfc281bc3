"""Rows for people: a table on a terminal, else lines with tabs, which programs cut."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence

import click

_COLOURS: Mapping[str, str] = {
    "healthy": "green",
    "degraded": "yellow",
    "draining": "yellow",
    "maintenance": "blue",
    "unhealthy": "red",
    "registered": "green",
    "updated": "yellow",
    "removed": "red",
    "expired": "red",
    "down": "red",
    "gone": "red",
}


def print_rows(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print them; without a terminal or rich, without heads and colours."""
    if not (sys.stdout.isatty() and _draw(columns, rows)):
        for row in rows:
            click.echo("\t".join(map(plain, row)))


def paint(word: str, tone: str | None = None) -> str:
    """The word in its colour, or in this one, where standard output takes colours.

    That is a terminal whose user has not set NO_COLOR (no-color.org).
    """
    tone = tone or _COLOURS.get(word)
    is_wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return click.style(word, fg=tone) if tone and is_wanted and sys.stdout.isatty() else word


def colour(word: str) -> str:
    """The colour of a word that says how something is; empty for any other."""
    return _COLOURS.get(word, "")


def plain(text: str) -> str:
    """The text without what would move a terminal's cursor, or end a line or a cell."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _draw(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bool:
    try:
        from rich.box import SIMPLE_HEAD
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:  # the extra `rich`
        return False
    table = Table(*columns, box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for column in table.columns:
        # On a narrow terminal: what is cut short is no name that anybody could use.
        column.overflow = "fold"
    for row in rows:
        # As text: what an instance says of itself must not be read as rich's markup.
        table.add_row(*(Text(plain(cell), style=colour(cell)) for cell in row))
    Console().print(table)
    return True
