"""Drawing a view over the whole terminal, and its keys. Needs rich."""

import asyncio
import os
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic

from rich.console import Console, ConsoleDimensions, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from dnsregistry.cli.overview.following import Following
from dnsregistry.cli.overview.view import View
from dnsregistry.cli.overview.words import (
    COLUMNS,
    SPACE,
    count,
    share,
    write_notices,
    write_numbers,
    write_row,
)
from dnsregistry.cli.table import colour, plain

SECONDS_BETWEEN = 0.2
"""From one drawing to the next: however much changes, a terminal is written to five times a
second."""
_QUIT = b"q"
_FIXED_LINES = 5
"""Title, numbers, the empty line, the table's head and the last line."""


async def show(following: Following, view: View) -> int:
    """Draw until somebody ends it; the exit code. Raises Refused."""
    console = Console()
    with (
        _ended(following.changed) as end,
        Live(
            console=console,
            screen=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        ) as live,
    ):
        task = asyncio.create_task(following.follow())
        task.add_done_callback(lambda _: following.changed.set())
        try:
            while not (end.done() or task.done()):
                following.changed.clear()
                live.update(draw(view, monotonic(), console.size), refresh=True)
                await asyncio.wait({end}, timeout=SECONDS_BETWEEN)
                await following.changed.wait()
            return end.result() if end.done() else task.result()
        finally:
            task.cancel()
            await asyncio.wait({task})


def draw(view: View, now: float, size: ConsoleDimensions) -> Group:
    """The whole screen, of this size."""
    notices = [_line(text, style) for style, text in write_notices(view, now)]
    room = max(1, size.height - _FIXED_LINES - len(notices))
    rows, more = view.services.worst(now, room)
    cells = [[plain(cell) for cell in write_row(row, now)] for row in rows]
    table = Table(box=None, padding=(0, SPACE, 0, 0), pad_edge=False, header_style="bold")
    for head, width in zip(COLUMNS, share(cells, size.width), strict=True):
        table.add_column(head, no_wrap=True, overflow="ellipsis", width=width)
    for name, state, *others in cells:
        # As text: what an instance calls itself must not be read as rich's markup.
        table.add_row(Text(name), Text(state, style=colour(state)), *map(Text, others))
    rest = f"and {count(more, 'service')} more, none worse; q ends" if more else "q ends"
    numbers = write_numbers(view) if view.listed else "asking what there is …"
    title = _line(f"dnsregistry top  {view.url}", "bold")
    return Group(title, _line(numbers), *notices, Text(""), table, _line(rest, "dim"))


def _line(text: str, style: str = "") -> Text:
    return Text(plain(text), style=style, no_wrap=True, overflow="ellipsis")


@contextmanager
def _ended(changed: asyncio.Event) -> Iterator["asyncio.Future[int]"]:
    """Tells the exit code once a key or a signal ends it; a new size is a change."""
    loop = asyncio.get_running_loop()
    end: asyncio.Future[int] = loop.create_future()

    def finish(code: int) -> None:
        if not end.done():
            end.set_result(code)
            changed.set()

    ends = {
        signal.SIGINT: 0,
        signal.SIGTERM: 128 + signal.SIGTERM,
        signal.SIGHUP: 128 + signal.SIGHUP,
    }
    for number, code in ends.items():
        loop.add_signal_handler(number, finish, code)
    loop.add_signal_handler(signal.SIGWINCH, changed.set)
    try:
        with _keys(finish):
            yield end
    finally:
        for number in (*ends, signal.SIGWINCH):
            loop.remove_signal_handler(number)


@contextmanager
def _keys(finish: Callable[[int], None]) -> Iterator[None]:
    """Have keys as they are pressed, without their being shown; none without a terminal."""
    if not sys.stdin.isatty():
        yield
        return
    loop, descriptor = asyncio.get_running_loop(), sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)

    def read() -> None:
        try:
            typed = os.read(descriptor, 1024)
        except OSError:
            typed = b""
        if not typed:
            loop.remove_reader(descriptor)
            finish(128 + signal.SIGHUP)
        elif _QUIT in typed.lower():
            finish(0)

    tty.setcbreak(descriptor)
    loop.add_reader(descriptor, read)
    # Who was stopped by Ctrl-Z finds the terminal as the shell left it.
    loop.add_signal_handler(signal.SIGCONT, tty.setcbreak, descriptor)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGCONT)
        loop.remove_reader(descriptor)
        with suppress(termios.error):
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
