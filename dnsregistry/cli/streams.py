"""The standard streams, as whoever started the program left them.

Rules:
- One that is closed is opened on /dev/null: else the next socket or file gets its number, and with
  it what is printed.
- What cannot be written, for want of room, ends the program with a sentence.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EDQUOT, EFBIG, EIO, ENOSPC

import click

_OUTPUT, _LAST = 1, 2
_FULL = frozenset({ENOSPC, EDQUOT, EFBIG, EIO})


def open_closed() -> None:
    """Open those of input, output and errors that are closed."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= _LAST:
        """The lowest free number is taken first."""
    os.close(number)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - for ever


@contextmanager
def full_told() -> Iterator[None]:
    """End the program with one sentence where its output has no room."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL or error.filename is not None:
            raise
        # What is left in the buffer would fail once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), _OUTPUT)
        click.echo(f"Error: the output cannot be written: {error.strerror}", err=True)
        sys.exit(1)
